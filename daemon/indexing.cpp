#include "daemon/indexing.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/version.h"
#include "jobs/index_job.h"

namespace pairloom::daemon {
namespace {

// A batch is committed after this many changes or this long, whichever comes first: what a crash costs at most.
constexpr uint64_t kCommitChanges = 50000;
constexpr int64_t kCommitNs = 500'000'000;

// Tasks that are found ahead, and batches that are looked at for them.
constexpr uint64_t kMaxFoundAhead = 4096;
constexpr int kMaxBatchesAhead = 64;

std::string path_of(const Task& task) {
  return {reinterpret_cast<const char*>(task.payload.data()), task.payload.size()};
}

std::string name_of(const Task& task) {
  const std::string_view path = path_in(task);
  return std::string(path.substr(path.rfind('/') + 1));
}

// Zero if it is gone.
StatIdentity look_at(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? identity_of(st) : StatIdentity{};
}

bool same_but_for_device(const StatIdentity& a, const StatIdentity& b) {
  return a.inode == b.inode && a.size_bytes == b.size_bytes && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns;
}

}  // namespace

Indexing::Indexing(index::IndexWriter& index, index::RunId run, const IndexRequest& request, FileSource& source,
                   std::function<void(const Problem&)> problem, bool check_codes, bool look_for_moved)
    : index_(&index),
      run_(run),
      request_(&request),
      source_(&source),
      problem_(std::move(problem)),
      check_codes_(check_codes),
      look_for_moved_(look_for_moved) {}

Result<Indexing> Indexing::create(index::IndexWriter& index, index::RunId run, const IndexRequest& request,
                                  FileSource& source, std::function<void(const Problem&)> problem) {
  PAIRLOOM_ASSIGN(const bool lacks, index.some_content_lacks(request.setup.algorithms, request.setup.accuracy));
  PAIRLOOM_ASSIGN(const bool has_content, index.has_content());
  return Indexing(index, run, request, source, std::move(problem), lacks, has_content);
}

std::vector<std::byte> Indexing::setup() const {
  return jobs::encode(request_->setup);
}

uint64_t Indexing::max_result_bytes() const {
  return 4096;
}  // codes of all algorithms and a message

Result<Job::Pull> Indexing::pull(Task& task) {
  if (found_.empty() && second_look_) return Pull::kEnd;
  if (found_.empty()) {
    // Work in hand, more is looked for ahead: about each directory the index is asked, which may have to store first what it
    // was given before.
    const uint64_t wanted = source_->is_watching() ? 1 : std::min(tasks_done_, kMaxFoundAhead);
    const uint64_t seen_before = totals_.seen;
    Pull pulled = Pull::kAgain;
    int batches = 0;
    do {
      PAIRLOOM_ASSIGN(pulled, find_more());
    } while (pulled == Pull::kAgain && !found_.empty() && found_.size() < wanted && ++batches < kMaxBatchesAhead &&
             totals_.seen - seen_before < kMaxFoundAhead);
    if (found_.empty()) return pulled;
  }
  task = std::move(found_.front());
  found_.pop_front();
  return Pull::kTask;
}

// The next batch of files. kAgain: there may be more; else why not.
Result<Job::Pull> Indexing::find_more() {
  FileBatch batch;
  PAIRLOOM_ASSIGN(const FileSource::Next next, source_->next(batch));
  if (next == FileSource::Next::kEnd) {
    // What is in hand may be reported again, and others meanwhile.
    if (source_->is_watching() && !in_hand_.empty()) return Pull::kLater;
    ended_ = true;
    return Pull::kEnd;
  }
  if (next == FileSource::Next::kWait) return Pull::kWait;
  for (const Problem& problem : batch.problems) {
    problem_(problem);
    if (problem.skipped_subtree) continue;
    ++totals_.seen;  // a file that the walk met and could not even look at
    ++totals_.failed;
  }
  if (!batch.directory.empty()) PAIRLOOM_TRY(take_batch(batch));
  return Pull::kAgain;
}

Result<> Indexing::take_batch(const FileBatch& batch) {
  if (batch.first) {
    at_ = At{};
    PAIRLOOM_ASSIGN(at_.directory, index_->directory(batch.directory, batch.filesystem));
    at_.same_filesystem = at_.directory.filesystem == batch.filesystem;
  }
  if (batch.walk_begins) look_again_at_all_in_hand();
  const size_t before = found_.size();
  if (batch.first && batch.complete)
    PAIRLOOM_TRY(take_whole_directory(batch));
  else
    PAIRLOOM_TRY(take_part_of_directory(batch));
  if (request_->pool.io_friendly) {
    const auto inode = [this](const Task& task) { return in_hand_.at(task.id).identity.inode; };
    std::sort(found_.begin() + static_cast<std::ptrdiff_t>(before), found_.end(),
              [&](const Task& a, const Task& b) { return inode(a) < inode(b); });
  }
  PAIRLOOM_TRY(take_absent(batch));
  return batch.last ? end_directory(batch) : Result<>{};
}

// New names came first: what is gone under one name may have been found under another.
Result<> Indexing::take_absent(const FileBatch& batch) {
  for (const std::string& name : batch.absent_files) {
    if (mark_in_hand(join_path(batch.directory, name))) continue;
    PAIRLOOM_ASSIGN(const auto known, index_->known_file(at_.directory.id, name, false));
    if (known) PAIRLOOM_TRY(forget_file(name));
  }
  for (const std::string& name : batch.absent_directories) {
    const std::string path = join_path(batch.directory, name);
    PAIRLOOM_ASSIGN(const auto child, index_->find_directory(path));
    if (!child || !at_.same_filesystem) continue;
    PAIRLOOM_TRY(forget_directory(*child));
    for (auto& [in_hand, id] : in_hand_by_path_)
      if (in_hand.starts_with(path + "/")) in_hand_.at(id).again = true;
  }
  return {};
}

// The usual case: one range read of what is known, merged with what is there; both in byte order.
Result<> Indexing::take_whole_directory(const FileBatch& batch) {
  PAIRLOOM_TRY(index_->known_files(at_.directory.id, check_codes_, at_.known));
  auto known = at_.known.cbegin();
  for (const FoundFile& file : batch.files) {
    for (; known != at_.known.cend() && known->name < file.name; ++known) PAIRLOOM_TRY(forget_file(known->name));
    const bool is_known = known != at_.known.cend() && known->name == file.name;
    PAIRLOOM_TRY(take_file(batch, file, is_known ? &*known : nullptr));
    if (is_known) ++known;
  }
  for (; known != at_.known.cend(); ++known) PAIRLOOM_TRY(forget_file(known->name));
  return {};
}

// A list of files, or a directory too large for one batch: look files up one by one, remember the names by their
// hashes.
Result<> Indexing::take_part_of_directory(const FileBatch& batch) {
  for (const FoundFile& file : batch.files) {
    at_.seen.insert(std::hash<std::string>{}(file.name));
    PAIRLOOM_ASSIGN(const auto known, index_->known_file(at_.directory.id, file.name, check_codes_));
    PAIRLOOM_TRY(take_file(batch, file, known ? &*known : nullptr));
  }
  if (!batch.last || !batch.complete) return {};
  std::vector<std::string> gone;
  PAIRLOOM_TRY(index_->visit_known_names(at_.directory.id, [&](const std::string& name) -> Result<> {
    if (!at_.seen.contains(std::hash<std::string>{}(name))) gone.push_back(name);
    return {};
  }));
  for (const std::string& name : gone) PAIRLOOM_TRY(forget_file(name));
  return {};
}

Result<> Indexing::end_directory(const FileBatch& batch) {
  // The same files under another file system id: a copy or a remount of the collection, not a missing mount. Believe it
  // from now on; what is missing is only taken for gone by the next run.
  if (!at_.same_filesystem && at_.any_match) PAIRLOOM_TRY(index_->set_filesystem(at_.directory.id, batch.filesystem));
  if (!batch.complete || !at_.same_filesystem) return {};
  PAIRLOOM_ASSIGN(const auto children, index_->child_directories(at_.directory.id));
  for (const auto& child : children) {
    const std::string name = child.path.substr(child.path.rfind('/') + 1);
    if (std::binary_search(batch.subdirectories.begin(), batch.subdirectories.end(), name)) continue;
    PAIRLOOM_TRY(forget_directory(child));
  }
  return {};
}

Result<> Indexing::forget_directory(const index::KnownDirectory& child) {
  // A directory of another file system that is not there is an unmounted disk.
  if (child.filesystem != at_.directory.filesystem) {
    problem_({child.path, "was another file system and is not there now: its files are kept as they were", true});
    return {};
  }
  PAIRLOOM_ASSIGN(const uint64_t marked, index_->mark_directory_gone(run_, child.id));
  totals_.gone += marked;
  return {};
}

Result<> Indexing::forget_file(const std::string& name) {
  if (!at_.same_filesystem) return {};
  if (!in_hand_by_path_.empty()) mark_in_hand(join_path(at_.directory.path, name));
  ++totals_.gone;
  return index_->mark_gone(run_, at_.directory.id, name);
}

// Nothing to do for a file that has not changed since it was looked at, unless the decision would be another today.
bool Indexing::is_settled(const index::KnownFile& known, const StatIdentity& now) const {
  if (!same_but_for_device(known.identity, now)) return false;
  if (known.outcome == Outcome::kIndexed)
    return !check_codes_ || known.coverage.has(request_->setup.algorithms, request_->setup.accuracy);
  if (request_->retry_failed && known.outcome != Outcome::kNotImage) return false;
  switch (known.outcome) {
    case Outcome::kUnreadable:
    case Outcome::kChanged:
      return false;  // may pass by itself
    case Outcome::kCrashed:
    case Outcome::kTimedOut:
      return known.attempts >= kPointsToGiveUp && known.program_version == kVersionNumber;
    default:
      return known.program_version == kVersionNumber;  // a newer pairloom may read it
  }
}

// Failures and non-images count as such in every run that meets them, remembered or new.
uint64_t& Indexing::count_of(Outcome outcome, uint64_t& when_indexed) {
  if (outcome == Outcome::kIndexed) return when_indexed;
  return outcome == Outcome::kNotImage ? totals_.not_image : totals_.failed;
}

Result<> Indexing::take_file(const FileBatch& batch, const FoundFile& file, const index::KnownFile* known) {
  if (known) at_.any_match = true;
  if (!file.wanted) return {};
  if (!in_hand_by_path_.empty() && mark_in_hand(path_of(batch, file))) return {};
  if (known && file.is_guess) {  // found twice: the first time by another way
    FoundFile looked_at = file;
    looked_at.identity = look_at(path_of(batch, file));
    looked_at.is_guess = false;
    return take_file(batch, looked_at, known);
  }
  ++totals_.seen;
  if (known && is_settled(*known, file.identity)) {
    ++count_of(known->outcome, totals_.unchanged);
    return {};
  }
  // Also one that was moved over another.
  if (look_for_moved_ && (!known || known->identity.inode != file.identity.inode)) {
    PAIRLOOM_ASSIGN(const bool moved, take_moved(batch, file));
    if (moved) return {};
  }
  Task task;
  task.id = next_task_++;
  const std::string path = path_of(batch, file);
  const auto bytes = std::as_bytes(std::span(path));
  task.payload.assign(bytes.begin(), bytes.end());
  task.cost_bytes = file.identity.size_bytes;
  // Blame is remembered across runs as long as the file is the same.
  if (known && same_but_for_device(known->identity, file.identity) && known->attempts < kPointsToGiveUp)
    task.points = known->attempts;
  in_hand_.emplace(task.id, InHand{at_.directory.id, file.identity, file.is_guess});
  if (source_->is_watching()) in_hand_by_path_.emplace(path, task.id);
  found_.push_back(std::move(task));
  return {};
}

// A new name of a file that was indexed under another: same file system, inode, size and mtime (a rename changes
// ctime).
Result<bool> Indexing::take_moved(const FileBatch& batch, const FoundFile& file) {
  PAIRLOOM_ASSIGN(const auto other, index_->find_by_inode(batch.filesystem, file.identity, check_codes_));
  if (!other || other->content == 0) return false;
  if (check_codes_ && !other->coverage.has(request_->setup.algorithms, request_->setup.accuracy)) return false;
  PAIRLOOM_TRY(index_->put_moved(run_, at_.directory.id, file.name, file.identity, other->content));
  ++totals_.moved;
  return true;
}

Result<> Indexing::accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) {
  if (!origin.last) return fail(Errc::kProtocol, "an index result comes in one record");
  PAIRLOOM_ASSIGN(jobs::IndexResult said, jobs::decode_index_result(payload, request_->setup.algorithms));
  index::FileResult result;
  result.identity = said.identity;
  result.outcome = said.outcome;
  result.message = std::move(said.message);
  result.digest = said.digest;
  result.image = said.image;
  result.accuracy = request_->setup.accuracy;
  if (said.absent) return drop_absent(task);
  if (said.outcome == Outcome::kChanged && source_->look_again(path_of(task), true)) {
    take_out_of_hand(in_hand_.find(task.id), task);
    return {};
  }
  if (said.outcome == Outcome::kChanged && !second_look_ && !source_->is_watching()) {
    changed_.push_back(task);
    return {};
  }
  result.codes = std::move(said.codes);
  result.worker_slot = origin.slot;
  result.elapsed_ns = origin.elapsed_ns;
  totals_.bytes_read += said.identity.size_bytes;
  return store(task, std::move(result), origin.slot);
}

bool Indexing::looks_again() {
  if (second_look_ || changed_.empty()) return false;
  second_look_ = true;
  found_ = std::exchange(changed_, {});
  return true;
}

// Deleted between the walk and the worker: not a failure, just gone.
Result<> Indexing::drop_absent(const Task& task) {
  const auto found = in_hand_.find(task.id);
  PAIRLOOM_TRY(index_->mark_gone(run_, found->second.directory, name_of(task)));
  take_out_of_hand(found, task);
  return {};
}

bool Indexing::mark_in_hand(const std::string& path) {
  const auto at = in_hand_by_path_.find(path);
  if (at == in_hand_by_path_.end()) return false;
  return in_hand_.at(at->second).again = true;
}

// A walk that takes the place of lost events cannot know what happened to them meanwhile.
void Indexing::look_again_at_all_in_hand() {
  for (const auto& [path, id] : in_hand_by_path_) in_hand_.at(id).again = true;
}

void Indexing::take_out_of_hand(std::unordered_map<uint64_t, InHand>::iterator file, const Task& task) {
  const bool again = file->second.again;
  in_hand_.erase(file);
  ++tasks_done_;
  if (!source_->is_watching()) return;
  const std::string path = path_of(task);
  in_hand_by_path_.erase(path);
  if (again) source_->look_again(path, false);
}

Result<> Indexing::store(const Task& task, index::FileResult result, std::optional<uint32_t> worker) {
  const auto found = in_hand_.find(task.id);
  result.directory = found->second.directory;
  result.name = name_of(task);
  // What could not be opened is remembered under what the walk saw.
  if (result.identity == StatIdentity{}) result.identity = identity_of_file(task);
  take_out_of_hand(found, task);

  ++count_of(result.outcome, totals_.indexed);
  if (is_failure(result.outcome)) {
    problem_({path_of(task), fmt::format("{}: {}", name_of(result.outcome), result.message), false, worker});
  }
  PAIRLOOM_TRY(index_->put(run_, std::move(result)));
  if (commit_at_ns_ < 0) commit_at_ns_ = system_clock().monotonic_ns() + kCommitNs;
  return index_->uncommitted_changes() >= kCommitChanges ? tick(commit_at_ns_) : Result<>{};
}

StatIdentity Indexing::identity_of_file(const Task& task) const {
  const InHand& file = in_hand_.at(task.id);
  return file.is_guess ? look_at(path_of(task)) : file.identity;
}

Result<> Indexing::blame(const Task& task, uint32_t points) {
  return index_->put_attempts(run_, in_hand_.at(task.id).directory, name_of(task), identity_of_file(task), points);
}

Result<> Indexing::give_up(const Task& task, Outcome outcome, const std::string& reason) {
  index::FileResult result;
  result.outcome = outcome;
  result.message = reason + "; left alone until the file or pairloom changes (pairloom index retry tries again)";
  result.attempts = task.points;
  result.signal = task.signal;
  result.decoder = task.decoder;
  return store(task, std::move(result), std::nullopt);
}

Result<> Indexing::tick(int64_t now_ns) {
  if (commit_at_ns_ < 0 || now_ns < commit_at_ns_) return {};
  commit_at_ns_ = -1;
  if (in_hand_.empty()) return index_->commit();
  commit_at_ns_ = now_ns + kCommitNs;  // more results will come; should none, the commit is finished then
  return index_->begin_commit();
}

}  // namespace pairloom::daemon
