#include "daemon/file_job.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "daemon/job.h"
#include "daemon/path_list.h"
#include "daemon/stop_signals.h"
#include "daemon/tree_walk.h"

namespace pairloom::daemon {
namespace {

// A result record carries at most this much of an answer (workerproc/worker_job.h, send_in_parts).
constexpr uint64_t kMaxRecordBytes = 256 * 1024;

class FileJob final : public Job {
 public:
  FileJob(const FileJobRequest& request, FileSource& source, const AnswerSink& sink, const RunObserver& observer)
      : request_(request), source_(source), sink_(sink), observer_(observer) {}

  jobs::JobKind kind() const override { return request_.kind; }
  std::vector<std::byte> setup() const override { return request_.setup; }
  uint64_t max_result_bytes() const override { return kMaxRecordBytes; }
  std::string_view file_of(const Task& task) const override { return path_in(task); }
  shm::LaneSizes lane_sizes() const override { return request_.lane_sizes; }
  std::span<const std::vector<std::byte>> references() const override { return request_.references; }
  int wait_fd() const override { return source_.wait_fd(); }

  Result<Pull> pull(Task& task) override {
    if (window_.size() >= kAnswerWindow || waiting_bytes_ > kAnswerWindowBytes) return Pull::kLater;
    if (next_in_batch_ == batch_.files.size()) return next_batch();
    const FoundFile& file = batch_.files[next_in_batch_++];
    if (!file.wanted) return Pull::kAgain;
    const std::string path = path_of(batch_, file);
    const auto bytes = std::as_bytes(std::span(path));
    task.id = first_in_window_ + window_.size();
    task.payload.assign(bytes.begin(), bytes.end());
    task.cost_bytes = file.identity.size_bytes;
    window_.push_back({written_path_of(batch_, file), {}, std::nullopt});
    ++summary_.files;
    return Pull::kTask;
  }

  Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) override {
    Waiting& waiting = window_[task.id - first_in_window_];
    if (origin.first) waiting.bytes.clear();
    if (waiting.bytes.size() + payload.size() > request_.max_answer_bytes)
      return fail(Errc::kProtocol, "answer is too long");
    waiting.bytes.insert(waiting.bytes.end(), payload.begin(), payload.end());
    if (!origin.last) return {};
    PAIRLOOM_ASSIGN(auto answer, jobs::decode_file_answer(waiting.bytes));
    if (answer.outcome == Outcome::kIndexed && request_.check) PAIRLOOM_TRY(request_.check(answer.body));
    return finish(task.id, std::move(answer));
  }

  Result<> blame(const Task&, uint32_t) override { return {}; }

  Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) override {
    return finish(task.id, {outcome, reason, {}});
  }

  FileJobSummary& summary() { return summary_; }
  bool found_all() const { return ended_; }
  uint64_t finished() const { return finished_; }

 private:
  // A file that was handed out and that the sink has not heard of yet.
  struct Waiting {
    std::string path;
    std::vector<std::byte> bytes;  // of the records so far
    std::optional<jobs::FileAnswer> answer;
  };

  Result<Pull> next_batch() {
    if (ended_) return Pull::kEnd;
    FileBatch more;
    PAIRLOOM_ASSIGN(const auto next, source_.next(more));
    if (next == FileSource::Next::kWait) return Pull::kWait;
    ended_ = next == FileSource::Next::kEnd;
    if (observer_.problem)
      for (const Problem& problem : more.problems) observer_.problem(problem);
    gather(std::move(more));
    return Pull::kAgain;
  }

  // A large directory comes in several batches, each in order: waits for the last of them.
  void gather(FileBatch more) {
    const bool last = more.last || ended_;
    if (gathered_.files.empty()) {
      gathered_ = std::move(more);
    } else {
      std::move(more.files.begin(), more.files.end(), std::back_inserter(gathered_.files));
      if (last) std::ranges::sort(gathered_.files, {}, &FoundFile::name);
    }
    if (!last) return;
    batch_ = std::exchange(gathered_, {});
    next_in_batch_ = 0;
  }

  // Keeps the answer until its turn has come, and tells the sink what can be told now.
  Result<> finish(uint64_t id, jobs::FileAnswer answer) {
    ++finished_;
    if (answer.outcome == Outcome::kIndexed)
      ++summary_.done;
    else if (is_failure(answer.outcome))
      ++summary_.failed;
    else
      ++summary_.not_images;
    Waiting& waiting = window_[id - first_in_window_];
    waiting.bytes = {};
    waiting_bytes_ += answer.body.size();
    waiting.answer = std::move(answer);
    while (!window_.empty() && window_.front().answer) {
      Waiting first = std::move(window_.front());
      window_.pop_front();
      ++first_in_window_;
      waiting_bytes_ -= first.answer->body.size();
      PAIRLOOM_TRY(sink_(first.path, std::move(*first.answer)));
    }
    return {};
  }

  const FileJobRequest& request_;
  FileSource& source_;
  const AnswerSink& sink_;
  const RunObserver& observer_;
  FileBatch batch_, gathered_;
  size_t next_in_batch_ = 0;
  bool ended_ = false;
  std::deque<Waiting> window_;  // of task id first_in_window_ and those that follow
  uint64_t first_in_window_ = 0, waiting_bytes_ = 0, finished_ = 0;
  FileJobSummary summary_;
};

}  // namespace

Result<FileJobs> FileJobs::create(const PoolOptions& options) {
  PAIRLOOM_ASSIGN(auto pool, Pool::create(options));
  return FileJobs(std::move(pool));
}

Result<FileJobSummary> FileJobs::run(const FileJobRequest& request, const AnswerSink& sink,
                                     const RunObserver& observer) {
  PAIRLOOM_ASSIGN(auto signals, StopSignals::catch_them());
  const int64_t start_ns = system_clock().monotonic_ns();
  const auto seconds = [start_ns] { return static_cast<double>(system_clock().monotonic_ns() - start_ns) / 1e9; };

  TreeWalk walk(request.paths, request.walk);
  std::unique_ptr<PathList> list;
  if (request.files_from_fd >= 0) list = std::make_unique<PathList>(request.files_from_fd, request.files_from_nul);
  FileSource* source = request.source ? request.source : list ? static_cast<FileSource*>(list.get()) : &walk;
  FileJob job(request, *source, sink, observer);

  const auto tell = [&] {
    if (!observer.progress) return;
    Progress progress;
    progress.found = job.summary().files;
    progress.done = job.finished();
    progress.found_all = job.found_all();
    progress.failed = job.summary().failed;
    progress.seconds = seconds();
    progress.workers = static_cast<int>(pool_.totals().size());
    observer.progress(progress);
  };
  Pool::Surroundings surroundings;
  surroundings.stop_fd = signals.fd();
  surroundings.stop_requested = [&] {
    return signals.arrived() || (observer.stop_requested && observer.stop_requested());
  };
  surroundings.often = tell;
  const auto done = pool_.run(job, surroundings);
  if (!done && done.error().code != Errc::kInterrupted) return tl::unexpected(done.error());
  tell();

  FileJobSummary summary = std::move(job.summary());
  summary.interrupted = !done;
  summary.missing_roots = walk.missing_roots();
  summary.unreadable_directories = walk.unreadable_directories();
  summary.worker_deaths = pool_.deaths();
  summary.workers = pool_.totals();
  summary.seconds = seconds();
  return summary;
}

}  // namespace pairloom::daemon
