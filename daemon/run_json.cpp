#include "daemon/run_json.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "daemon/control_arguments.h"

namespace pairloom::daemon {
namespace {

constexpr std::array<std::pair<Errc, std::string_view>, 13> kErrors{{
    {Errc::kInvalidArgument, "invalid_argument"},
    {Errc::kIo, "io"},
    {Errc::kIndexMissing, "index_missing"},
    {Errc::kIndexTooNew, "index_too_new"},
    {Errc::kIndexCorrupt, "index_corrupt"},
    {Errc::kIndexLocked, "index_locked"},
    {Errc::kRefused, "refused"},
    {Errc::kInterrupted, "interrupted"},
    {Errc::kNoWorkers, "no_workers"},
    {Errc::kProtocol, "protocol"},
    {Errc::kCorrupt, "corrupt"},
    {Errc::kUnsupported, "unsupported"},
    {Errc::kTooLarge, "too_large"},
}};

using Stage = Progress::Stage;
constexpr std::array<std::pair<Stage, std::string_view>, 4> kStages{{
    {Stage::kIndexing, "indexing"},
    {Stage::kPairing, "pairing"},
    {Stage::kCommitting, "committing"},
    {Stage::kTransforming, "transforming"},
}};

constexpr std::array<std::pair<Accuracy, std::string_view>, 3> kAccuracies{{
    {Accuracy::kFast, "fast"},
    {Accuracy::kDefault, "default"},
    {Accuracy::kFull, "full"},
}};

constexpr std::array<std::pair<index::RunKind, std::string_view>, 3> kKinds{{
    {index::RunKind::kAdd, "add"},
    {index::RunKind::kUpdate, "update"},
    {index::RunKind::kPair, "pair"},
}};

constexpr uint64_t kNoDepth = 1'000'000;  // deeper than any tree: as if no limit were given

Result<AlgorithmSet> set_from_names(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ",") + name;
  return algorithm_set_from_names(joined);
}

template <class Table, class Value>
std::string_view word_of(const Table& table, Value value) {
  for (const auto& [known, word] : table)
    if (known == value) return word;
  return "?";
}

// False and unchanged when no entry has that word.
template <class Table, class Value>
bool value_of(const Table& table, std::string_view word, Value& into) {
  for (const auto& [value, known] : table)
    if (known == word) {
      into = value;
      return true;
    }
  return false;
}

void take_pairs_to_keep(ControlArguments& arguments, IndexRequest::KeepPairs& pairs) {
  std::string name{info(pairs.algorithm).name};
  uint64_t distance = 0;
  arguments.text("algorithm", name);
  arguments.whole("distance", distance, 0, 256);
  const auto algorithm = algorithm_from_name(name);
  if (!algorithm) return arguments.complain(algorithm.error().message);
  pairs = {*algorithm, static_cast<uint32_t>(distance)};
}

Json json_list(const std::vector<std::string>& paths) {
  Json list = Json::array();
  for (const std::string& path : paths) list.push_back(json_path(path));
  return list;
}

std::vector<std::string> list_from_json(const Json& object, const char* key) {
  std::vector<std::string> list;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return list;
  for (const Json& item : *found) list.push_back(path_from_json(item));
  return list;
}

}  // namespace

std::string_view name_of(Errc code) {
  return word_of(kErrors, code);
}

Errc errc_from_name(std::string_view name) {
  Errc code = Errc::kIo;
  value_of(kErrors, name, code);
  return code;
}

Json to_json(const Progress& progress) {
  return {{"type", "progress"},
          {"stage", word_of(kStages, progress.stage)},
          {"found", progress.found},
          {"done", progress.done},
          {"found_all", progress.found_all},
          {"failed", progress.failed},
          {"bytes_read", progress.bytes_read},
          {"seconds", progress.seconds},
          {"workers", progress.workers}};
}

Progress progress_from_json(const Json& record) {
  Progress progress;
  std::string stage;
  if (take_field(record, "stage", stage)) value_of(kStages, stage, progress.stage);
  take_field(record, "found", progress.found);
  take_field(record, "done", progress.done);
  take_field(record, "found_all", progress.found_all);
  take_field(record, "failed", progress.failed);
  take_field(record, "bytes_read", progress.bytes_read);
  take_field(record, "seconds", progress.seconds);
  take_field(record, "workers", progress.workers);
  return progress;
}

Json to_json(const Problem& problem) {
  return {{"type", "problem"},
          {"path", json_path(problem.path)},
          {"reason", json_path(problem.reason)},  // may name files, too
          {"skipped_subtree", problem.skipped_subtree}};
}

Problem problem_from_json(const Json& record) {
  Problem problem;
  if (const auto path = record.find("path"); path != record.end()) problem.path = path_from_json(*path);
  if (const auto reason = record.find("reason"); reason != record.end()) problem.reason = path_from_json(*reason);
  take_field(record, "skipped_subtree", problem.skipped_subtree);
  return problem;
}

Json to_json(const RunSummary& summary) {
  const index::RunTotals& t = summary.totals;
  Json workers = Json::array();
  for (const auto& worker : summary.workers)
    workers.push_back({{"slot", worker.slot},
                       {"lives", worker.lives},
                       {"sandbox_level", worker.sandbox_level},
                       {"tasks", worker.tasks},
                       {"bytes_read", worker.bytes_read}});
  return {{"type", "summary"},
          {"seen", t.seen},
          {"unchanged", t.unchanged},
          {"moved", t.moved},
          {"indexed", t.indexed},
          {"not_images", t.not_image},
          {"failed", t.failed},
          {"gone", t.gone},
          {"bytes_read", t.bytes_read},
          {"worker_deaths", t.worker_deaths},
          {"seconds", t.seconds},
          {"interrupted", t.interrupted},
          {"new_pairs", summary.new_pairs},
          {"unreadable_directories", summary.unreadable_directories},
          {"missing_roots", json_list(summary.missing_roots)},
          {"workers", std::move(workers)}};
}

RunSummary summary_from_json(const Json& record) {
  RunSummary summary;
  index::RunTotals& t = summary.totals;
  take_field(record, "seen", t.seen);
  take_field(record, "unchanged", t.unchanged);
  take_field(record, "moved", t.moved);
  take_field(record, "indexed", t.indexed);
  take_field(record, "not_images", t.not_image);
  take_field(record, "failed", t.failed);
  take_field(record, "gone", t.gone);
  take_field(record, "bytes_read", t.bytes_read);
  take_field(record, "worker_deaths", t.worker_deaths);
  take_field(record, "seconds", t.seconds);
  take_field(record, "interrupted", t.interrupted);
  take_field(record, "new_pairs", summary.new_pairs);
  take_field(record, "unreadable_directories", summary.unreadable_directories);
  summary.missing_roots = list_from_json(record, "missing_roots");
  const auto workers = record.find("workers");
  if (workers == record.end() || !workers->is_array()) return summary;
  for (const Json& worker : *workers) {
    if (!worker.is_object()) continue;
    index::WorkerTotals& totals = summary.workers.emplace_back();
    take_field(worker, "slot", totals.slot);
    take_field(worker, "lives", totals.lives);
    take_field(worker, "sandbox_level", totals.sandbox_level);
    take_field(worker, "tasks", totals.tasks);
    take_field(worker, "bytes_read", totals.bytes_read);
  }
  return summary;
}

Json to_json(const Error& error) {
  return {{"type", "error"}, {"code", name_of(error.code)}, {"message", error.message}};
}

Error error_from_json(const Json& record) {
  Error error{Errc::kIo, "the daemon gave no reason"};
  std::string code;
  if (take_field(record, "code", code)) error.code = errc_from_name(code);
  take_field(record, "message", error.message);
  return error;
}

Json to_json(const IndexRequest& request) {
  if (request.kind == index::RunKind::kPair) {
    Json object = {{"kind", word_of(kKinds, request.kind)},
                   {"algorithm", info(request.keep_pairs.algorithm).name},
                   {"distance", request.keep_pairs.distance},
                   {"pairing_memory_bytes", request.pairing_memory_bytes}};
    if (!request.arguments.empty()) object["arguments"] = json_path(request.arguments);
    return object;
  }
  Json features = Json::array();
  for (const AlgorithmInfo& algorithm : algorithms())
    if (contains(request.setup.algorithms, algorithm.id)) features.push_back(algorithm.name);
  Json paired = Json::array();
  for (const AlgorithmInfo& algorithm : algorithms())
    if (contains(request.pair_algorithms, algorithm.id)) paired.push_back(algorithm.name);
  Json object = {{"kind", word_of(kKinds, request.kind)},
                 {"roots", json_list(request.roots)},
                 {"include", json_list(request.walk.include)},
                 {"exclude", json_list(request.walk.exclude)},
                 {"hidden", request.walk.hidden},
                 {"follow", request.walk.follow_symlinks},
                 {"one_file_system", request.walk.one_file_system},
                 {"max_depth", request.walk.max_depth < 0 ? Json(nullptr) : Json(request.walk.max_depth)},
                 {"nul", request.files_from_nul},
                 {"features", std::move(features)},
                 {"pair", std::move(paired)},
                 {"accuracy", word_of(kAccuracies, request.setup.accuracy)},
                 {"max_pixels", request.setup.limits.max_pixels},
                 {"max_file_bytes", request.setup.limits.max_file_bytes},
                 {"max_scans", request.setup.limits.max_scans},
                 {"max_parts", request.setup.limits.max_parts},
                 {"task_deadline_s", request.pool.task_deadline_s},
                 {"pairing_memory_bytes", request.pairing_memory_bytes},
                 {"retry_failed", request.retry_failed}};
  if (!request.arguments.empty()) object["arguments"] = json_path(request.arguments);
  return object;
}

Result<IndexRequest> index_request_from_json(const Json& object) {
  IndexRequest request;
  ControlArguments arguments(object);
  std::string kind = "add", accuracy = "default";
  std::vector<std::string> features, paired, command_line;
  uint64_t max_depth = kNoDepth;
  arguments.text("kind", kind);
  arguments.whole("pairing_memory_bytes", request.pairing_memory_bytes, 1, uint64_t{1} << 50);
  arguments.names("arguments", command_line);
  if (!value_of(kKinds, kind, request.kind)) arguments.complain("'kind' must be add, update or pair");
  if (!command_line.empty()) request.arguments = command_line.front();
  if (request.kind == index::RunKind::kPair) {
    take_pairs_to_keep(arguments, request.keep_pairs);
    PAIRLOOM_TRY(arguments.finish());
    return request;
  }
  arguments.paths("roots", request.roots);
  arguments.names("include", request.walk.include);
  arguments.names("exclude", request.walk.exclude);
  arguments.flag("hidden", request.walk.hidden);
  arguments.flag("follow", request.walk.follow_symlinks);
  arguments.flag("one_file_system", request.walk.one_file_system);
  arguments.whole("max_depth", max_depth, 0, kNoDepth);
  arguments.flag("nul", request.files_from_nul);
  arguments.names("features", features);
  arguments.names("pair", paired);
  arguments.text("accuracy", accuracy);
  jobs::ReadLimits& limits = request.setup.limits;
  arguments.whole("max_pixels", limits.max_pixels, 1, uint64_t{1} << 40);
  arguments.whole("max_file_bytes", limits.max_file_bytes, 1, uint64_t{1} << 40);
  arguments.whole("max_scans", limits.max_scans, 1, uint64_t{1} << 40);
  arguments.whole("max_parts", limits.max_parts, 1, uint64_t{1} << 40);
  arguments.number("task_deadline_s", request.pool.task_deadline_s, 0.001, 3600);
  arguments.flag("retry_failed", request.retry_failed);

  if (!value_of(kAccuracies, accuracy, request.setup.accuracy))
    arguments.complain("'accuracy' must be fast, default or full");
  if (max_depth != kNoDepth) request.walk.max_depth = static_cast<int>(max_depth);
  if (!features.empty()) {
    const auto set = set_from_names(features);
    if (!set) arguments.complain(set.error().message);
    request.setup.algorithms = set.value_or(0);
  }
  if (!paired.empty()) {
    const auto set = set_from_names(paired);
    if (!set) arguments.complain(set.error().message);
    request.pair_algorithms = set.value_or(0);
  } else if (arguments.has("pair")) {
    request.pair_algorithms = 0;
  }
  PAIRLOOM_TRY(arguments.finish());
  return request;
}

}  // namespace pairloom::daemon
