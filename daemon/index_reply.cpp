#include "daemon/index_reply.h"

#include <utility>

#include "daemon/run_json.h"

namespace pairloom::daemon {

IndexReply::IndexReply(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}

IndexReply::IndexReply(IndexReply&&) noexcept = default;

IndexReply& IndexReply::operator=(IndexReply&& other) noexcept {
  std::swap(sink_, other.sink_);  // the other's destructor ends what was here
  return *this;
}

IndexReply::~IndexReply() {
  if (sink_) fail(Error{Errc::kInterrupted, "the daemon gave the request up; what was finished is kept"});
}

void IndexReply::progress(const Progress& progress) {
  if (sink_) sink_->line(json_line(to_json(progress)), true);
}

void IndexReply::problem(const Problem& problem) {
  if (sink_) sink_->line(json_line(to_json(problem)), true);
}

bool IndexReply::stop_requested() const {
  return !sink_ || sink_->stop_requested();
}

void IndexReply::finish(const RunSummary& summary) {
  if (!sink_) return;
  sink_->line(json_line(to_json(summary)), false);
  std::exchange(sink_, nullptr)->end();
}

void IndexReply::fail(const Error& error) {
  if (!sink_) return;
  sink_->line(json_line(to_json(error)), false);
  std::exchange(sink_, nullptr)->end();
}

}  // namespace pairloom::daemon
