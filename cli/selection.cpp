#include "cli/selection.h"

#include <fmt/format.h>

namespace pairloom::cli {
namespace {

AlgorithmSet paired_on_arrival(AlgorithmSet features) {
  AlgorithmSet set = 0;
  for (const auto& a : algorithms())
    if (contains(features, a.id) && stored_by_default(a.id) > 0) set |= set_of(a.id);
  return set;
}

std::string feature_names() {
  std::string names;
  for (const auto& a : algorithms()) names += fmt::format("{}{}", names.empty() ? "" : ", ", a.name);
  return names;
}

void add_features_option(CLI::App& app, Selection& into, const std::string& default_features) {
  const char* group = "What is computed";
  add_text(app, "--features", into.features, "LIST",
           fmt::format("Codes to compute, separated by commas: {} [default: {}]", feature_names(), default_features))
      ->check([](const std::string& text) {
        const auto set = algorithm_set_from_names(unprotect_argument(text));
        return set ? std::string() : set.error().message;
      })
      ->group(group);
  add_choice<Accuracy>(app, "--accuracy", into.setup.accuracy,
                       {{"default", Accuracy::kDefault}, {"fast", Accuracy::kFast}, {"full", Accuracy::kFull}}, "HOW",
                       "How much of each picture is decoded: default: 128 pixels of its short side, or 64 where only 64-bit "
                       "codes are asked for; fast: half of that; full: all")
      ->group(group);
}

void add_limit_options(CLI::App& app, Selection& into) {
  const char* limits = "Limits";
  add_size(app, "--max-pixels", into.setup.limits.max_pixels, "Leave out pictures with more pixels")
      ->default_str("400M")
      ->group(limits);
  add_size(app, "--max-file-size", into.setup.limits.max_file_bytes, "Leave out larger files")
      ->default_str("512Mi")
      ->group(limits);
  add_size(app, "--max-scans", into.setup.limits.max_scans, "Leave out JPEGs with more scans, where all must be decoded")
      ->default_str("500")
      ->group(limits);
  add_size(app, "--max-parts", into.setup.limits.max_parts, "Look at no more pages and smaller pictures of a TIFF")
      ->default_str("64")
      ->group(limits);
  add_memory_option(app, into.pairing_memory_bytes)->group(limits);
  app.add_flag("--io-friendly", into.io_friendly,
               "For slow disks: read in the order of inodes, and leave nothing in the page cache that was not there before")
      ->group(limits);
  add_seconds(app, "--task-deadline", into.task_deadline_s, "Give up on a file after so many seconds without progress")
      ->group(limits);
}

}  // namespace

void add_selection_options(CLI::App& app, Selection& into, bool with_roots) {
  add_file_options(app, into, with_roots ? "DIR" : "", "Directories to look through, or single files");
  app.add_flag("--retry-failed", into.retry_failed, "Look again at files that failed before and have not changed")
      ->group("Which files");
  const std::string default_features = with_roots ? "pdq" : "those the index has";
  add_features_option(app, into, default_features);
  add_limit_options(app, into);
}

void add_work_options(CLI::App& app, Selection& into) {
  add_features_option(app, into, "those the index has");
  add_limit_options(app, into);
}

Result<daemon::IndexRequest> work_request(const Selection& selection, AlgorithmSet default_features,
                                          const Session& session) {
  daemon::IndexRequest request;
  request.setup = selection.setup;
  request.setup.algorithms = default_features;
  if (!selection.features.empty()) {
    PAIRLOOM_ASSIGN(request.setup.algorithms, algorithm_set_from_names(selection.features));
  }
  request.pool = session.pool();
  request.pool.task_deadline_s = selection.task_deadline_s;
  request.pool.io_friendly = selection.io_friendly;
  request.retry_failed = selection.retry_failed;
  request.pairing_memory_bytes = selection.pairing_memory_bytes;
  request.arguments = session.arguments;
  request.pair_algorithms = paired_on_arrival(request.setup.algorithms);
  return request;
}

Result<PreparedRequest> prepare(const Selection& selection, AlgorithmSet default_features, const Session& session) {
  if (!selection.names_something())
    return fail(Errc::kInvalidArgument, "nothing to look through: name a directory, or a list with --files-from");
  PAIRLOOM_TRY(check(selection));
  PreparedRequest prepared;
  auto& request = prepared.request;
  PAIRLOOM_ASSIGN(request, work_request(selection, default_features, session));
  request.roots = selection.roots;
  PAIRLOOM_ASSIGN(prepared.list, open_list(selection));
  if (prepared.list) request.files_from_fd = prepared.list.get();
  request.files_from_nul = selection.nul;
  request.walk = selection.walk_options();
  return prepared;
}

}  // namespace pairloom::cli
