#include "daemon/pairing.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/clock.h"
#include "search/join_plan.h"

namespace pairloom::daemon {
namespace {

constexpr int64_t kCommitNs = 500'000'000;
constexpr size_t kCommitPairs = 100'000;
// A part of a scan is about this many comparisons (tens of milliseconds), whatever its place in the file, and at least
// this many codes.
constexpr uint64_t kPartComparisons = 200'000'000;
constexpr uint64_t kMinPartCodes = 64;
constexpr double kWorthNotingSeconds = 2;  // shorter work is done again as a whole

}  // namespace

Pairing::Pairing(index::IndexWriter& index, const index::PairingState& state, jobs::PairSetup setup)
    : index_(&index), store_(index.pairing_store()), setup_(std::move(setup)), to_pair_(state.code_count) {
  if (state.radius >= setup_.radius) to_pair_ -= std::min(state.position, state.code_count);
}

Result<Pairing> Pairing::create(index::IndexWriter& index, Algorithm algorithm, Pool& pool, uint64_t memory_bytes) {
  PAIRLOOM_ASSIGN(const index::PairingState state, index.pairing_state(algorithm));
  jobs::PairSetup setup;
  setup.algorithm = algorithm;
  setup.radius = state.wanted > 0 ? state.wanted : info(algorithm).similar;
  setup.index_id = index.index_id();
  setup.generation = index.generation();
  setup.count = state.code_count;
  setup.known_positions = std::min(state.position, state.code_count);
  setup.known_radius = state.position > 0 ? static_cast<int32_t>(state.radius) : -1;
  Pairing pairing(index, state, setup);
  if (pairing.to_pair_ == 0) return pairing;
  PAIRLOOM_ASSIGN(const bool resumed, pairing.resume());
  PAIRLOOM_TRY(pairing.open_codes());
  if (!resumed) PAIRLOOM_TRY(pairing.plan(pool, memory_bytes));
  return pairing;
}

Result<bool> Pairing::resume() {
  PAIRLOOM_ASSIGN(const auto work, store_.work(setup_.algorithm));
  if (!work) return false;
  const auto begun = jobs::decode_pair_setup(work->setup);
  if (!begun || begun->radius != setup_.radius || begun->index_id != setup_.index_id ||
      begun->generation != setup_.generation || begun->count > setup_.count ||
      begun->known_positions != setup_.known_positions || begun->known_radius != setup_.known_radius)
    return false;
  std::vector<Piece> tasks;
  double done = 0;
  for (const auto& stored : work->tasks) {
    const auto task = jobs::decode_pair_task(stored.payload);
    if (!task) return false;
    tasks.push_back({*task, stored.share, stored.done});
    if (stored.done) done += stored.share;
  }
  to_pair_ -= setup_.count - begun->count;  // later codes are the next pairing's
  setup_ = *begun;
  tasks_ = std::move(tasks);
  done_ = done;
  noted_ = true;
  return true;
}

Result<> Pairing::store_plan(double seconds) {
  if (seconds < kWorthNotingSeconds) return {};
  index::PairingWork work;
  work.setup = jobs::encode(setup_);
  for (const Piece& piece : tasks_) work.tasks.push_back({jobs::encode(piece.task), piece.share, false});
  PAIRLOOM_TRY(index_->commit());
  PAIRLOOM_TRY(store_.begin_work(setup_.algorithm, work));
  noted_ = true;
  return {};
}

Result<> Pairing::open_codes() {
  const std::string path = index_->code_file_path(setup_.algorithm);
  code_file_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!code_file_) return fail_errno("cannot open '" + path + "'", errno);
  code_file_number_ = code_file_.get();
  PAIRLOOM_ASSIGN(auto codes,
                  search::CodeFile::open(code_file_.get(), path, setup_.algorithm, setup_.index_id, setup_.generation));
  // Opening looks at the last block only; pairing believes all of them.
  if (const auto sound = codes.verify(); !sound) {
    if (::unlink(path.c_str()) != 0) return fail_errno("cannot remove '" + path + "'", errno);
    return fail(Errc::kIo, sound.error().message + "; it was removed, and the next run makes it anew from the index: run this again");
  }
  codes_ = std::make_unique<search::CodeFile>(std::move(codes));
  return {};
}

Result<> Pairing::plan(Pool& pool, uint64_t memory_bytes) {
  search::PairingRequest request;
  request.count = setup_.count;
  request.radius = setup_.radius;
  request.known = {setup_.known_positions, setup_.known_radius};
  request.memory_bytes = memory_bytes;
  request.workers = pool.size();
  const search::PairingPlan plan = search::plan_pairing(*codes_, request);
  if (!plan.by_join) {
    plan_scan(plan.first_scanned, static_cast<uint64_t>(request.workers));
    return store_plan(plan.scan_seconds);
  }
  for (size_t w = 0; w < plan.join.words.size(); ++w) {
    setup_.words[w] = {plan.join.words[w].radius, plan.join.words[w].equal};
  }
  tasks_.push_back({{jobs::PairTask::Kind::kEqual, 0, 0, 0, 0, setup_.count}, 0});
  for (size_t i = 0; i < plan.pieces.size(); ++i) {
    const search::JoinPiece& piece = plan.pieces[i];
    tasks_.push_back(
        {{jobs::PairTask::Kind::kJoin, piece.word, piece.block, 0, piece.first_key, piece.last_key}, plan.shares[i]});
  }
  return store_plan(plan.seconds);
}

void Pairing::plan_scan(uint64_t first, uint64_t workers) {
  const uint64_t share = (setup_.count - first) / (2 * workers) + 1;
  const auto pairs = [](uint64_t codes) { return static_cast<double>(codes) * static_cast<double>(codes); };
  for (uint64_t last = first; first < setup_.count; first = last) {
    last = std::min(setup_.count, first + std::min(share, std::max(kMinPartCodes, kPartComparisons / (first + 1))));
    const double part = (pairs(last) - pairs(first)) / (pairs(setup_.count) - pairs(setup_.count - to_pair_));
    tasks_.push_back({{jobs::PairTask::Kind::kScan, 0, 0, 0, first, last}, part});
  }
}

Result<Job::Pull> Pairing::pull(Task& task) {
  while (next_ < tasks_.size() && tasks_[next_].done) ++next_;
  if (next_ == tasks_.size()) return Pull::kEnd;
  task.id = next_;
  task.payload = jobs::encode(tasks_[next_++].task);
  return Pull::kTask;
}

Result<> Pairing::accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) {
  PAIRLOOM_ASSIGN(const auto found, jobs::decode_pair_result(payload, setup_));
  for (const jobs::Pair& pair : found.pairs) {
    if (hamming_distance(codes_->code(pair.a), codes_->code(pair.b)) != static_cast<int>(pair.distance))
      return fail(Errc::kProtocol,
                  fmt::format("pairs: codes {} and {} are not {} bits apart", pair.a, pair.b, pair.distance));
    const auto [a, b] = std::minmax({codes_->content_id(pair.a), codes_->content_id(pair.b)});
    pairs_since_.push_back({a, b, pair.distance});
  }
  codes_->release_pages();  // this process's memory does not grow with the file
  for (const uint32_t position : found.crowded) crowded_since_.push_back(codes_->content_id(position));
  pairs_ += found.pairs.size();
  if (origin.last) {
    done_ += tasks_[task.id].share;
    if (noted_) done_since_.push_back(task.id);
  }
  // Under a stream of results nobody else looks at the clock.
  const int64_t now_ns = system_clock().monotonic_ns();
  if (commit_at_ns_ < 0) commit_at_ns_ = now_ns + kCommitNs;
  if (pairs_since_.size() >= kCommitPairs) commit_at_ns_ = now_ns;
  return tick(now_ns);
}

uint64_t Pairing::codes_done() const {
  return std::min(to_pair_, static_cast<uint64_t>(done_ * static_cast<double>(to_pair_)));
}

Result<> Pairing::give_up(const Task&, Outcome, const std::string& reason) {
  return fail(Errc::kNoWorkers, "pairing failed: " + reason + "; nothing is lost, run it again");
}

Result<> Pairing::tick(int64_t now_ns) {
  if (commit_at_ns_ < 0 || now_ns < commit_at_ns_) return {};
  commit_at_ns_ = -1;
  return commit();
}

// In the order of their key: then neighbours go to the same page.
Result<> Pairing::put_found() {
  std::sort(pairs_since_.begin(), pairs_since_.end(),
            [](const auto& x, const auto& y) { return std::pair(x.a, x.b) < std::pair(y.a, y.b); });
  PAIRLOOM_TRY(index_->put_pairs(setup_.algorithm, pairs_since_));
  pairs_since_.clear();
  return {};
}

// The pairs first: what is noted as done is there.
Result<> Pairing::commit() {
  PAIRLOOM_TRY(put_found());
  PAIRLOOM_TRY(index_->commit());
  PAIRLOOM_TRY(store_.note_done(setup_.algorithm, done_since_, crowded_since_));
  done_since_.clear();
  crowded_since_.clear();
  return {};
}

Result<> Pairing::finish() {
  PAIRLOOM_TRY(done_since_.empty() && crowded_since_.empty() ? put_found() : commit());
  return index_->set_pairing_state(setup_.algorithm, setup_.radius, setup_.count);
}

}  // namespace pairloom::daemon
