#include "cli/indexing.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/progress_bar.h"

namespace pairloom::cli {
namespace {

// So many problems are told one by one; the rest is counted (--verbose tells all).
constexpr uint64_t kMaxTold = 20;

void add_count_of(std::string& line, uint64_t n, std::string_view what) {
  if (n > 0) line += fmt::format("{}{} {}", line.empty() ? "" : ", ", n, what);
}

}  // namespace

std::vector<std::string> summary_lines(const daemon::RunSummary& summary) {
  const auto& t = summary.totals;
  if (summary.kind == index::RunKind::kPair)
    return {fmt::format("{} new pairs after {:.1f} s", summary.new_pairs, t.seconds)};
  std::vector<std::string> lines{finished_line(summary)};
  std::string line;
  add_count_of(line, t.indexed, "new or changed");
  add_count_of(line, t.unchanged, "unchanged");
  add_count_of(line, t.moved, "moved");
  add_count_of(line, t.gone, "gone");
  add_count_of(line, t.not_image, "other files");
  add_count_of(line, summary.new_pairs, "new pairs");
  if (!line.empty()) lines.push_back(line);
  return lines;
}

ExitCode exit_code_of(const daemon::RunSummary& summary) {
  if (summary.totals.interrupted) return ExitCode::kInterrupted;
  if (summary.totals.failed > 0 || summary.unreadable_directories > 0 || !summary.missing_roots.empty())
    return ExitCode::kUnreadable;
  return ExitCode::kDone;
}

Result<ExitCode> run_and_report(index::IndexWriter& index, const daemon::IndexRequest& request, Session& session,
                                const std::function<void(const daemon::Problem&)>& problem) {
  return report_run(
      [&](const daemon::RunObserver& observer) { return daemon::run_index(index, request, observer); }, session, problem);
}

Result<ExitCode> report_run(const RunIndex& run, Session& session,
                            const std::function<void(const daemon::Problem&)>& problem) {
  auto& messages = session.messages;
  ProgressBar bar(messages.quiet() ? ProgressMode::kNone : session.globals.progress, messages.fd(), system_clock());
  messages.before_each([&bar] { bar.clear(); });
  uint64_t problems = 0;
  daemon::RunObserver observer;
  observer.progress = [&bar](const daemon::Progress& progress) { bar.update(progress); };
  observer.problem = [&](const daemon::Problem& p) {
    if (problem) problem(p);
    if (++problems > kMaxTold && !messages.verbose()) return;
    messages.warning(fmt::format("{}: {}; skipping{}", escape_for_terminal(p.path), escape_for_terminal(p.reason),
                                 p.skipped_subtree ? " all below it" : ""));
  };
  session.out.flush();  // workers are forked from this process
  auto summary = run(observer);
  bar.clear();
  messages.before_each(nullptr);
  if (!summary) return tl::unexpected<Error>(std::move(summary).error());
  if (problems > kMaxTold && !messages.verbose())
    messages.warning(fmt::format("and {} more; list them all: pairloom index failures", problems - kMaxTold));
  for (const auto& line : summary_lines(*summary)) messages.note(line);
  if (summary->totals.worker_deaths > 0)
    messages.detail(fmt::format("{} worker deaths; each cost at most one file", summary->totals.worker_deaths));
  if (summary->totals.interrupted)
    messages.note("interrupted; what was finished is kept, the same command goes on from there");
  return exit_code_of(*summary);
}

}  // namespace pairloom::cli
