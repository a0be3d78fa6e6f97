// pairloom status: what the daemon is at; without one, what the last runs did, worker by worker, and what is left to do.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "base/sandbox_level.h"
#include "base/stage_names.h"
#include "base/text.h"
#include "cli/daemon_report.h"
#include "cli/find_daemon.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "daemon/stop_signals.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

struct StatusOptions {
  std::optional<uint32_t> runs = 5;
  bool once = false, json = false;
  OutputFormat format = OutputFormat::kHuman;
};

struct Run {
  index::RunRow row;
  std::vector<index::WorkerTotals> workers;
};

std::string_view kind_word(index::RunKind kind) {
  switch (kind) {
    case index::RunKind::kAdd:
      return "add";
    case index::RunKind::kUpdate:
      return "update";
    case index::RunKind::kPrune:
      return "prune";
    case index::RunKind::kPair:
      return "pair";
  }
  return "?";
}

std::string_view state_word(const index::RunRow& run) {
  if (run.finished_ns == 0) return "unfinished";
  return run.totals.interrupted ? "interrupted" : "finished";
}

Result<std::vector<Run>> last_runs(index::IndexReader& reader, size_t count) {
  std::vector<Run> runs;
  const auto enough = Errc::kInterrupted;  // ends the visit, nothing else
  auto visited = reader.visit_runs([&](const index::RunRow& row) -> Result<> {
    if (runs.size() == count) return fail(enough, "");
    runs.push_back({row, {}});
    return {};
  });
  if (!visited && visited.error().code != enough) return tl::unexpected<Error>(std::move(visited).error());
  for (auto& run : runs) {
    PAIRLOOM_ASSIGN(run.workers, reader.workers_of(run.row.id));
  }
  return runs;
}

// "open 0.01 s, read 0.02 s, ..."
std::string stages_text(const index::WorkerTotals& worker) {
  std::string out;
  for (size_t i = 0; i < kStageNames.size(); ++i)
    out += fmt::format("{}{} {:.3g} s", out.empty() ? "" : ", ", kStageNames[i],
                       static_cast<double>(worker.stage_ns[i]) / 1e9);
  return out;
}

Json stages_json(const index::WorkerTotals& worker) {
  Json stages = Json::object();
  for (size_t i = 0; i < kStageNames.size(); ++i) stages[std::string(kStageNames[i])] = worker.stage_ns[i];
  return stages;
}

std::string text_of(const Run& run, bool with_workers) {
  const auto& t = run.row.totals;
  std::string out = fmt::format("run {}  {}  {} {} after {}: {}\n", run.row.id,
                                utc_time(run.row.started_ns).substr(0, 19), kind_word(run.row.kind),
                                state_word(run.row), human_seconds(t.seconds), escape_for_terminal(run.row.arguments));
  out += fmt::format(
      "  {} seen, {} unchanged, {} new or changed, {} moved, {} gone, {} other files, {} unreadable, {} read\n", t.seen,
      t.unchanged, t.indexed, t.moved, t.gone, t.not_image, t.failed, human_bytes(t.bytes_read));
  if (!with_workers) return out;
  for (const auto& w : run.workers)
    out += fmt::format("  worker {}: {} files, {} read, {} {}, sandbox: {}\n    time: {}\n", w.slot, w.tasks,
                       human_bytes(w.bytes_read), w.lives, w.lives == 1 ? "process" : "processes",
                       describe_sandbox(w.sandbox_level), stages_text(w));
  return out;
}

std::string json_of(const Run& run) {
  const auto& t = run.row.totals;
  Json workers = Json::array();
  for (const auto& w : run.workers)
    workers.push_back({{"slot", w.slot},
                       {"lives", w.lives},
                       {"tasks", w.tasks},
                       {"bytes_read", w.bytes_read},
                       {"sandbox", describe_sandbox(w.sandbox_level)},
                       {"stage_ns", stages_json(w)}});
  Json record = {{"type", "run"},
                 {"id", run.row.id},
                 {"kind", kind_word(run.row.kind)},
                 {"state", state_word(run.row)},
                 {"started", utc_time(run.row.started_ns)},
                 {"arguments", run.row.arguments},
                 {"seconds", t.seconds},
                 {"seen", t.seen},
                 {"unchanged", t.unchanged},
                 {"indexed", t.indexed},
                 {"moved", t.moved},
                 {"gone", t.gone},
                 {"not_images", t.not_image},
                 {"unreadable", t.failed},
                 {"bytes_read", t.bytes_read},
                 {"worker_deaths", t.worker_deaths},
                 {"workers", std::move(workers)}};
  return json_line(record);
}

std::string overview(const index::IndexInfo& about, const std::string& path) {
  std::string out = fmt::format("{} images in {} contents, {} failures: {}\n", about.files, about.contents,
                                about.failures, escape_for_terminal(path));
  for (const auto& a : about.algorithms)
    if (a.pairing.radius > 0 && a.pairing.position < a.pairing.code_count)
      out += fmt::format("{}: {} of {} codes are not paired yet; dups computes what is missing\n",
                         info(a.algorithm).name, a.pairing.code_count - a.pairing.position, a.pairing.code_count);
  return out;
}

Result<ExitCode> last_runs_status(const StatusOptions& options, Session& session) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  PAIRLOOM_ASSIGN(const auto about, reader.info());
  PAIRLOOM_ASSIGN(const auto runs, last_runs(reader, options.runs.value_or(5)));
  if (options.format == OutputFormat::kJsonl) {
    session.out.write(json_line({{"type", "status"},
                                 {"schema", "pairloom.status/1"},
                                 {"index", json_path(session.index)},
                                 {"files", about.files},
                                 {"contents", about.contents},
                                 {"failures", about.failures},
                                 {"gone", about.gone}}));
    for (const auto& run : runs) session.out.write(json_of(run));
    return ExitCode::kDone;
  }
  session.out.write(overview(about, session.index));
  for (size_t i = 0; i < runs.size(); ++i) session.out.write(text_of(runs[i], i == 0 || session.messages.verbose()));
  if (about.failures > 0) session.messages.hint("pairloom index failures lists what could not be read");
  return ExitCode::kDone;
}

// Redraws the daemon's status every second, in place, until the user has seen enough.
Result<ExitCode> live_status(Daemon daemon, Session& session) {
  constexpr int kIntervalMs = 1000;
  PAIRLOOM_ASSIGN(auto signals, daemon::StopSignals::catch_them());
  size_t drawn = 0;
  while (true) {
    const auto lines = daemon_lines(daemon.status, session.out_style, terminal_rows(STDOUT_FILENO) - 1);
    std::string text = drawn > 0 ? fmt::format("\x1b[{}A\x1b[J", drawn) : "";
    for (const std::string& line : lines) text += first_columns(line, terminal_columns(STDOUT_FILENO)) + "\n";
    session.out.write(text);
    session.out.flush();
    drawn = lines.size();
    pollfd wanted{signals.fd(), POLLIN, 0};
    if (::poll(&wanted, 1, kIntervalMs) > 0) return ExitCode::kDone;
    PAIRLOOM_ASSIGN(daemon.status, daemon.client.ask({"GET", "/v1/status"}));
  }
}

Result<ExitCode> status(const StatusOptions& options, Session& session) {
  PAIRLOOM_ASSIGN(auto daemon, find_daemon(session));
  // Who has no index of his own most likely means the daemon's.
  if (!daemon && session.globals.index.empty() && ::access(session.index.c_str(), F_OK) != 0) {
    auto other = need_daemon(session);
    if (other) daemon = std::move(*other);
    if (!other && other.error().code == Errc::kIndexLocked) session.messages.hint(other.error().message);
  }
  const bool for_program = options.json || options.format == OutputFormat::kJsonl;
  if (!daemon) {
    StatusOptions as_given = options;
    if (options.json) as_given.format = OutputFormat::kJsonl;
    return last_runs_status(as_given, session);
  }
  if (for_program) {
    session.out.write(json_line(daemon->status));
    return ExitCode::kDone;
  }
  if (!options.once && is_terminal(STDOUT_FILENO)) return live_status(std::move(*daemon), session);
  for (const std::string& line : daemon_lines(daemon->status, session.out_style)) session.out.write(line + "\n");
  return ExitCode::kDone;
}

}  // namespace

Action declare_status(CLI::App& app) {
  auto options = std::make_shared<StatusOptions>();
  app.add_flag("--once", options->once, "With a daemon, on a terminal: show it once, not live")->group("Output");
  app.add_flag("--json", options->json, "For a program; as --output jsonl")->group("Output");
  add_count(app, "--runs", options->runs, 1, 1'000'000, "How many of the last runs")->default_str("5")->group("Output");
  add_output_option(app, options->format, {OutputFormat::kHuman, OutputFormat::kJsonl});
  return [options](Session& session) { return status(*options, session); };
}

}  // namespace pairloom::cli
