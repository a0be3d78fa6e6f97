#include "control/open_metrics.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace pairloom::control {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

std::string escaped(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

// One metric family: its description, then its samples, together as the format wants them. Nothing without samples.
class Family {
 public:
  Family(std::string& text, std::string_view name, std::string_view type, std::string_view help)
      : text_(text), name_(name), type_(type) {
    head_ = fmt::format("# TYPE {} {}\n", name, type);
    for (const std::string_view unit : {"bytes", "seconds"})
      if (name.ends_with(fmt::format("_{}", unit))) head_ += fmt::format("# UNIT {} {}\n", name, unit);
    head_ += fmt::format("# HELP {} {}\n", name, help);
  }

  void add(std::optional<double> value, const Labels& labels = {}) {
    if (!value || !std::isfinite(*value)) return;
    text_ += std::exchange(head_, {});
    text_ += name_;
    if (type_ == "counter") text_ += "_total";
    if (type_ == "info") text_ += "_info";
    std::string listed;
    for (const auto& [key, word] : labels)
      listed += fmt::format("{}{}=\"{}\"", listed.empty() ? "" : ",", key, escaped(word));
    if (!listed.empty()) text_ += "{" + listed + "}";
    // Counts up to 2^53 as whole numbers.
    const bool whole = std::floor(*value) == *value && std::abs(*value) < 9e15;
    text_ += whole ? fmt::format(" {}\n", static_cast<int64_t>(*value)) : fmt::format(" {}\n", *value);
  }

  // A state set: one sample for each word, 1 for the present one.
  void add_state(const std::string& state, std::initializer_list<std::string_view> all, Labels labels = {}) {
    for (const std::string_view word : all) {
      Labels with = labels;
      with.emplace_back(name_, word);
      add(word == state ? 1 : 0, with);
    }
  }

 private:
  std::string& text_;
  std::string name_, type_, head_;
};

std::optional<double> number(const Json& object, const char* key) {
  double value = 0;
  return take_field(object, key, value) ? std::optional(value) : std::nullopt;
}

std::string word(const Json& object, const char* key) {
  std::string value;
  take_field(object, key, value);
  return value;
}

// "2024-05-01T12:00:00Z" as seconds since 1970.
std::optional<double> seconds_of(const std::string& time) {
  tm parts{};
  const int got = std::sscanf(time.c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                              &parts.tm_hour, &parts.tm_min, &parts.tm_sec);
  if (got != 6) return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return static_cast<double>(::timegm(&parts));
}

void daemon_metrics(const Json& status, std::string& text) {
  Family(text, "pairloom", "info", "The daemon's version.").add(1, {{"version", word(status, "version")}});
  Family(text, "pairloom_state", "stateset", "What the daemon is at.")
      .add_state(word(status, "state"), {"starting", "scanning", "indexing", "pairing", "idle", "paused", "stopping"});
  Family(text, "pairloom_uptime_seconds", "gauge", "Since the daemon started.").add(number(status, "uptime_s"));
  Family(text, "pairloom_config_refused", "gauge", "1 when the configuration file was not taken at the last reload.")
      .add(word(status, "config_problem").empty() ? 0 : 1);
  Family(text, "pairloom_index_images", "gauge", "Images the index holds.").add(number(status, "indexed_files"));
  Family(text, "pairloom_index_failures", "gauge", "Files of the index that could not be used.")
      .add(number(status, "failed_files"));

  const Json& queue = json_member(status, "queue");
  Family waiting(text, "pairloom_queue", "gauge", "What waits for the daemon, by kind.");
  for (const char* kind : {"events", "settling", "tasks", "requests"})
    waiting.add(number(queue, kind), {{"kind", kind}});

  const Json& watches = json_member(status, "watches");
  Family(text, "pairloom_inotify_watches", "gauge", "Directories watched by inotify.").add(number(watches, "used"));
  Family(text, "pairloom_inotify_watches_allowed", "gauge", "How many may be, with what the daemon leaves to others.")
      .add(number(watches, "allowed"));
}

void total_metrics(const Json& status, std::string& text) {
  const Json& totals = json_member(status, "totals");
  Family files(text, "pairloom_files", "counter", "Files looked at since the daemon started, by outcome.");
  for (const char* outcome : {"indexed", "unchanged", "moved", "gone", "failed", "not_images"})
    files.add(number(totals, outcome), {{"outcome", outcome}});
  Family(text, "pairloom_read_bytes", "counter", "Image bytes read.").add(number(totals, "bytes_read"));
  Family(text, "pairloom_worker_deaths", "counter", "Workers that died or were ended for a reason.")
      .add(number(totals, "worker_deaths"));
  Family(text, "pairloom_pairs", "counter", "Near-duplicate pairs found.").add(number(totals, "new_pairs"));
  Family(text, "pairloom_events", "counter", "Changes the kernel told of.").add(number(totals, "events"));
  Family(text, "pairloom_event_overflows", "counter", "Times the kernel lost events and roots were walked again.")
      .add(number(totals, "overflows"));
  Family(text, "pairloom_commits", "counter", "Transactions of the index.").add(number(totals, "commits"));
}

void worker_metrics(const Json& status, std::string& text) {
  const std::vector<Json> workers = json_objects(status, "workers");
  const auto each = [&](Family family, const char* key) {
    for (const Json& worker : workers)
      family.add(number(worker, key), {{"slot", fmt::format("{}", number(worker, "slot").value_or(-1))}});
  };
  each(Family(text, "pairloom_worker_tasks", "counter", "Files or pieces of work done, by worker slot."), "tasks");
  each(Family(text, "pairloom_worker_read_bytes", "counter", "Image bytes read, by worker slot."), "bytes_read");
  each(Family(text, "pairloom_worker_processes", "counter", "Processes started, by worker slot."), "lives");
  each(Family(text, "pairloom_worker_rate", "gauge", "Pieces of work a second, lately."), "tasks_per_s");
  Family sandbox(text, "pairloom_worker_sandbox_complete", "gauge", "1 when every step of the sandbox is in force.");
  for (const Json& worker : workers)
    sandbox.add(word(worker, "sandbox") == "complete" ? 1 : 0,
                {{"slot", fmt::format("{}", number(worker, "slot").value_or(-1))}});
}

void root_metrics(const Json& status, std::string& text) {
  const std::vector<Json> roots = json_objects(status, "roots");
  const auto name_of = [](const Json& root) -> Labels {
    const auto path = root.find("path");
    if (path == root.end()) return {{"root", ""}};
    std::string bytes;
    if (path->is_object() && take_field(*path, "bytes", bytes)) return {{"root", "base64:" + bytes}};
    return {{"root", path_from_json(*path)}};
  };
  Family state(text, "pairloom_root_state", "stateset", "How fresh the index is below a watched directory.");
  for (const Json& root : roots)
    state.add_state(word(root, "state"), {"waiting", "scanning", "fresh", "offline"}, name_of(root));
  Family watch(text, "pairloom_root_watch", "stateset", "How a directory is watched.");
  for (const Json& root : roots)
    watch.add_state(word(root, "watch"), {"none", "inotify", "fanotify", "polling"}, name_of(root));
  Family directories(text, "pairloom_root_directories", "gauge", "Directories below it that are watched or polled.");
  for (const Json& root : roots) directories.add(number(root, "directories"), name_of(root));
  Family rescans(text, "pairloom_root_rescans", "counter", "Times it was walked again in doubt or on demand.");
  for (const Json& root : roots) rescans.add(number(root, "rescans"), name_of(root));
  Family last(text, "pairloom_root_last_scan_timestamp_seconds", "gauge", "When the last complete walk ended.");
  for (const Json& root : roots) last.add(seconds_of(word(root, "last_scan")), name_of(root));
}

}  // namespace

std::string open_metrics(const Json& status) {
  std::string text;
  daemon_metrics(status, text);
  total_metrics(status, text);
  worker_metrics(status, text);
  root_metrics(status, text);
  return text + "# EOF\n";
}

}  // namespace pairloom::control
