#include "cli/daemon_report.h"

#include <fmt/format.h>

#include "base/text.h"

namespace pairloom::cli {
namespace {

uint64_t count(const Json& object, const char* key) {
  uint64_t value = 0;
  take_field(object, key, value);
  return value;
}

double amount(const Json& object, const char* key) {
  double value = 0;
  take_field(object, key, value);
  return value;
}

// The daemon's words may hold names of files.
std::string word(const Json& object, const char* key) {
  std::string value;
  take_field(object, key, value);
  return escape_for_terminal(value);
}

std::string path_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? "" : escape_for_terminal(path_from_json(*found));
}

std::string headline(const Json& status, const Style& style) {
  const std::string state = word(status, "state"), why = word(status, "pause_reason");
  std::string line = fmt::format("{}{}", style.bold(state), why.empty() ? "" : " (" + why + ")");
  const Json& run = json_member(status, "run");
  if (const uint64_t found = count(run, "found"); found > 0)
    line += fmt::format(", {} {}/{}", word(run, "stage"), count(run, "done"), found);
  double rate = 0;
  for (const Json& worker : json_objects(status, "workers")) rate += amount(worker, "tasks_per_s");
  if (rate > 0) line += fmt::format(", {:.0f} img/s", rate);
  return line + fmt::format("; pairloomd {}, up for {}", word(status, "version"),
                            human_seconds(amount(status, "uptime_s")));
}

std::string queue_line(const Json& status) {
  const Json& queue = json_member(status, "queue");
  return fmt::format("waiting: {} changes, {} files still being written, {} with workers, {} requests",
                     count(queue, "events"), count(queue, "settling"), count(queue, "tasks"), count(queue, "requests"));
}

std::string totals_line(const Json& status) {
  const Json& totals = json_member(status, "totals");
  return fmt::format("since the start: {} new or changed, {} moved, {} gone, {} unreadable, {} new pairs, {} read",
                     count(totals, "indexed"), count(totals, "moved"), count(totals, "gone"), count(totals, "failed"),
                     count(totals, "new_pairs"), human_bytes(count(totals, "bytes_read")));
}

std::string worker_line(const Json& worker) {
  return fmt::format("worker {}: {:.1f}/s, {} done, {} read, {} {}, sandbox: {}", count(worker, "slot"),
                     amount(worker, "tasks_per_s"), count(worker, "tasks"), human_bytes(count(worker, "bytes_read")),
                     count(worker, "lives"), count(worker, "lives") == 1 ? "process" : "processes",
                     word(worker, "sandbox"));
}

}  // namespace

std::string root_line(const Json& root, const Style& style) {
  const std::string state = word(root, "state"), reason = word(root, "reason"), hint = word(root, "hint");
  const std::string padded = fmt::format("{:<8}", state);
  bool configured = true;
  take_field(root, "configured", configured);
  std::string line = fmt::format("{}  {:<8}  {}{}", state == "offline" ? style.red(padded) : padded,
                                 word(root, "watch"), path_of(root, "path"), configured ? "" : "  (added)");
  if (!reason.empty()) line += fmt::format("\n  {}", reason);
  if (!hint.empty()) line += fmt::format("\n  hint: {}", hint);
  return line;
}

std::vector<std::string> daemon_lines(const Json& status, const Style& style, size_t max_lines) {
  std::vector<std::string> lines{headline(status, style), "index: " + path_of(status, "index"), queue_line(status),
                                 totals_line(status)};
  if (const std::string problem = word(status, "config_problem"); !problem.empty())
    lines.push_back(style.red("configuration not taken: ") + problem);
  if (const std::string error = word(status, "last_error"); !error.empty())
    lines.push_back(style.red("last error: ") + error + " (" + word(status, "last_error_time") + ")");
  for (const Json& worker : json_objects(status, "workers")) lines.push_back(worker_line(worker));
  for (const Json& root : json_objects(status, "roots")) {
    std::string text = root_line(root, style);
    for (size_t at = 0; at <= text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }
  if (max_lines > 1 && lines.size() > max_lines) {
    const size_t left_out = lines.size() - max_lines + 1;
    lines.resize(max_lines - 1);
    lines.push_back(fmt::format("and {} lines more: pairloom status --once", left_out));
  }
  return lines;
}

}  // namespace pairloom::cli
