#include "daemon/control_status.h"

#include "base/sandbox_level.h"
#include "base/version.h"
#include "daemon/run_json.h"

namespace pairloom::daemon {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json number_or_null(const std::optional<uint64_t>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json json_of(const WorkerStatus& worker) {
  return {{"slot", worker.slot},
          {"pid", worker.pid},
          {"cpu", worker.cpu},
          {"lives", worker.lives},
          {"tasks", worker.tasks},
          {"bytes_read", worker.bytes_read},
          {"tasks_per_s", worker.tasks_per_s},
          {"sandbox", describe_sandbox(worker.sandbox_level)}};
}

Json json_of(const RootStatus& root) {
  return {{"path", json_path(root.path)},
          {"state", name_of(root.state)},
          {"watch", name_of(root.watch)},
          {"configured", root.configured},
          {"directories", root.directories},
          {"rescans", root.rescans},
          {"last_scan", json_time(root.last_scan_wall_ns)},
          {"reason", text_or_null(root.reason)},
          {"hint", text_or_null(root.hint)}};
}

Json json_of(const DaemonStatus::Totals& totals) {
  return {{"indexed", totals.indexed},       {"unchanged", totals.unchanged},
          {"moved", totals.moved},           {"gone", totals.gone},
          {"failed", totals.failed},         {"not_images", totals.not_image},
          {"bytes_read", totals.bytes_read}, {"worker_deaths", totals.worker_deaths},
          {"new_pairs", totals.new_pairs},   {"events", totals.events},
          {"overflows", totals.overflows},   {"commits", totals.commits}};
}

}  // namespace

std::string_view name_of(DaemonStatus::State state) {
  switch (state) {
    case DaemonStatus::State::kStarting:
      return "starting";
    case DaemonStatus::State::kScanning:
      return "scanning";
    case DaemonStatus::State::kIndexing:
      return "indexing";
    case DaemonStatus::State::kPairing:
      return "pairing";
    case DaemonStatus::State::kIdle:
      return "idle";
    case DaemonStatus::State::kPaused:
      return "paused";
    case DaemonStatus::State::kStopping:
      return "stopping";
  }
  return "?";
}

std::string_view name_of(RootStatus::State state) {
  switch (state) {
    case RootStatus::State::kWaiting:
      return "waiting";
    case RootStatus::State::kScanning:
      return "scanning";
    case RootStatus::State::kFresh:
      return "fresh";
    case RootStatus::State::kOffline:
      return "offline";
  }
  return "?";
}

std::string_view name_of(RootStatus::Watch watch) {
  switch (watch) {
    case RootStatus::Watch::kNone:
      return "none";
    case RootStatus::Watch::kInotify:
      return "inotify";
    case RootStatus::Watch::kFanotify:
      return "fanotify";
    case RootStatus::Watch::kPolling:
      return "polling";
  }
  return "?";
}

Json to_json(const DaemonStatus& status) {
  Json workers = Json::array(), roots = Json::array();
  for (const WorkerStatus& worker : status.workers) workers.push_back(json_of(worker));
  for (const RootStatus& root : status.roots) roots.push_back(json_of(root));
  return {{"type", "daemon"},
          {"schema", "pairloom.daemon/1"},
          {"version", kVersion},
          {"state", name_of(status.state)},
          {"pause_reason", text_or_null(status.pause_reason)},
          {"started", json_time(status.started_wall_ns)},
          {"uptime_s", status.uptime_s},
          {"index", json_path(status.index_path)},
          {"config", json_path(status.config_path)},
          {"config_problem", text_or_null(status.config_problem)},
          {"run", status.run ? to_json(*status.run) : Json(nullptr)},
          {"queue",
           {{"events", status.queue.events},
            {"settling", status.queue.settling},
            {"tasks", status.queue.tasks},
            {"requests", status.queue.requests}}},
          {"totals", json_of(status.totals)},
          {"indexed_files", number_or_null(status.indexed_files)},
          {"failed_files", number_or_null(status.failed_files)},
          {"contents", number_or_null(status.contents)},
          {"watches", {{"used", status.watches_used}, {"allowed", status.watches_allowed}}},
          {"last_error", text_or_null(status.last_error)},
          {"last_error_time", json_time(status.last_error_wall_ns)},
          {"workers", std::move(workers)},
          {"roots", std::move(roots)}};
}

}  // namespace pairloom::daemon
