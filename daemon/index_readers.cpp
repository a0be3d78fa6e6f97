#include "daemon/index_readers.h"

#include <sys/epoll.h>
#include <algorithm>
#include <utility>

#include "daemon/run_json.h"

namespace pairloom::daemon {
namespace {

constexpr size_t kMostWaiting = 64;
// A reader whose client takes its answer that slowly makes room for others.
constexpr int64_t kPatienceNs = 600'000'000'000;

}  // namespace

IndexReaders::IndexReaders(std::string program, int at_a_time, int epoll, const Clock& clock)
    : program_(std::move(program)),
      at_a_time_(static_cast<size_t>(std::max(1, at_a_time))),
      epoll_(epoll),
      clock_(clock) {}

IndexReaders::~IndexReaders() {
  forget_all();
}

void IndexReaders::ask(const std::shared_ptr<ControlLink>& link, uint64_t request, std::vector<std::string> arguments,
                       Fd input) {
  if (waiting_.size() >= kMostWaiting)
    return link->document(request, 503, to_json(Error{Errc::kIndexLocked, "too many questions at once; ask again"}));
  waiting_.push_back({link, request, std::move(arguments), std::move(input)});
  start_next();
}

void IndexReaders::start_next() {
  while (running_.size() < at_a_time_ && !waiting_.empty()) {
    Question question = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(question));
  }
}

void IndexReaders::start(Question question) {
  const auto link = question.link.lock();
  if (!link) return;
  const auto refuse = [&](const Error& error) { link->document(question.request, 500, to_json(error)); };
  auto process = ReaderProcess::start(program_, question.arguments, question.input);
  if (!process) return refuse(process.error());
  epoll_event wanted{.events = EPOLLIN, .data = {.u64 = next_token_}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, process->pid_fd(), &wanted) != 0)
    return refuse({Errc::kIo, "cannot watch a reader of the index"});
  link->begin(question.request, 200, "application/x-ndjson", process->output());
  process->close_output();
  const int64_t deadline_ns = clock_.monotonic_ns() + kPatienceNs;
  running_.emplace(next_token_++, Running{std::move(question), std::move(*process), deadline_ns});
}

void IndexReaders::forget(uint64_t request) {
  std::erase_if(waiting_, [request](const Question& question) { return question.request == request; });
  std::erase_if(running_, [request](const auto& entry) { return entry.second.question.request == request; });
  start_next();
}

void IndexReaders::forget_all() {
  waiting_.clear();
  running_.clear();
}

void IndexReaders::handle_event(uint64_t token) {
  const auto found = running_.find(token);
  if (found == running_.end()) return;
  ReaderProcess::Ended ended = found->second.process.end();
  if (found->second.timed_out) ended.said = "the answer was not taken within ten minutes";
  const auto link = found->second.question.link.lock();
  const uint64_t request = found->second.question.request;
  running_.erase(found);
  if (link)
    link->end(request, json_line({{"type", "end"}, {"exit_code", ended.exit_code}, {"said", json_path(ended.said)}}));
  start_next();
}

void IndexReaders::handle_deadlines() {
  const int64_t now_ns = clock_.monotonic_ns();
  for (auto& [token, reader] : running_) {
    if (reader.deadline_ns > now_ns || reader.timed_out) continue;
    reader.timed_out = true;
    reader.process.kill();
  }
}

int64_t IndexReaders::next_deadline_ns() const {
  int64_t next_ns = -1;
  for (const auto& [token, reader] : running_)
    if (!reader.timed_out && (next_ns < 0 || reader.deadline_ns < next_ns)) next_ns = reader.deadline_ns;
  return next_ns;
}

}  // namespace pairloom::daemon
