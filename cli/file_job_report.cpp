#include "cli/file_job_report.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"

namespace pairloom::cli {
namespace {

// So many problems are told one by one; the rest is counted (--verbose tells all).
constexpr uint64_t kMaxTold = 20;

}  // namespace

FileJobReport::FileJobReport(Session& session)
    : session_(session),
      bar_(session.messages.quiet() ? ProgressMode::kNone : session.globals.progress, session.messages.fd(),
           system_clock()) {
  session_.messages.before_each([this] { bar_.clear(); });
  session_.out.flush();  // workers are forked from this process
}

FileJobReport::~FileJobReport() {
  session_.messages.before_each(nullptr);
}

daemon::RunObserver FileJobReport::observer() {
  daemon::RunObserver observer;
  observer.progress = [this](const daemon::Progress& progress) { bar_.update(progress); };
  observer.problem = [this](const daemon::Problem& p) {
    warn(fmt::format("{}: {}; skipping{}", escape_for_terminal(p.path), escape_for_terminal(p.reason),
                     p.skipped_subtree ? " all below it" : ""));
  };
  return observer;
}

Result<> FileJobReport::row(std::string_view record) {
  bar_.clear();
  session_.out.write(record);
  if (!session_.out.usable()) return fail(Errc::kInterrupted, "nobody reads the results");
  return {};
}

void FileJobReport::failed(const std::string& path, Outcome outcome, const std::string& message) {
  warn(fmt::format("{}: {}; skipping", escape_for_terminal(path),
                   message.empty() ? std::string(name_of(outcome)) : escape_for_terminal(message)));
}

void FileJobReport::damaged(const std::string& path, const std::string& message) {
  session_.messages.detail(
      fmt::format("{}: damaged, used as far as it goes: {}", escape_for_terminal(path), escape_for_terminal(message)));
}

ExitCode FileJobReport::finish(const daemon::FileJobSummary& summary) {
  bar_.clear();
  auto& messages = session_.messages;
  if (warnings_ > kMaxTold && !messages.verbose())
    messages.warning(fmt::format("and {} more; --verbose tells them all", warnings_ - kMaxTold));
  messages.note(finished_line(summary));
  if (summary.not_images > 0) messages.note(fmt::format("{} other files", summary.not_images));
  if (summary.worker_deaths > 0)
    messages.detail(fmt::format("{} worker deaths; each cost at most one file", summary.worker_deaths));
  if (summary.interrupted) {
    messages.note("interrupted; what was written is complete up to there");
    return ExitCode::kInterrupted;
  }
  const bool all = summary.failed == 0 && summary.unreadable_directories == 0 && summary.missing_roots.empty();
  return all ? ExitCode::kDone : ExitCode::kUnreadable;
}

void FileJobReport::warn(const std::string& text) {
  if (++warnings_ <= kMaxTold || session_.messages.verbose()) session_.messages.warning(text);
}

}  // namespace pairloom::cli
