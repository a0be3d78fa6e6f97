#include "cli/selection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>

#include "base/text.h"

namespace pairloom::cli {
namespace {

AlgorithmSet paired_on_arrival(AlgorithmSet features) {
  AlgorithmSet set = 0;
  for (const auto& a : algorithms())
    if (contains(features, a.id) && a.bits == 256) set |= set_of(a.id);
  return set;
}

Result<Fd> open_list(const std::string& path) {
  const bool standard_input = path == "-";
  // A copy of its own, so that closing it is always right.
  Fd fd(standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("cannot open the list '{}'", escape_for_terminal(path)), errno);
  return fd;
}

std::string feature_names() {
  std::string names;
  for (const auto& a : algorithms()) names += fmt::format("{}{}", names.empty() ? "" : ", ", a.name);
  return names;
}

void add_walk_options(CLI::App& app, Selection& into, bool with_roots) {
  const char* group = "Which files";
  if (with_roots) {
    add_text(app, "--files-from", into.files_from, "FILE", "Take these paths too, one a line; - reads standard input")
        ->group(group);
    app.add_flag("-0,--null", into.nul, "Paths in --files-from end with NUL, as from find -print0")->group(group);
  }
  add_list(app, "--include", into.walk.include, "GLOB",
           "Only files whose path below DIR, or name, matches; may be repeated")
      ->group(group);
  add_list(app, "--exclude", into.walk.exclude, "GLOB",
           "Not those; a directory that matches is not entered; may be repeated")
      ->group(group);
  app.add_flag("--hidden", into.walk.hidden, "Names that begin with a dot, too")->group(group);
  app.add_flag("-L,--follow", into.walk.follow_symlinks, "Follow symbolic links")->group(group);
  app.add_flag("-x,--one-file-system", into.walk.one_file_system, "Do not enter other file systems")->group(group);
  add_count(app, "--max-depth", into.max_depth, 0, 10'000, "Levels below DIR; 0: only its own files")->group(group);
  app.add_flag("--retry-failed", into.retry_failed, "Look again at files that failed before and have not changed")
      ->group(group);
}

}  // namespace

void add_selection_options(CLI::App& app, Selection& into, bool with_roots) {
  if (with_roots) add_paths(app, "DIR", into.roots, "Directories to look through, or single files");
  add_walk_options(app, into, with_roots);
  const char* group = "What is computed";
  add_text(app, "--features", into.features, "LIST",
           "Codes to compute, separated by commas: " + feature_names() +
               (with_roots ? " [default: pdq]" : " [default: those the index has]"))
      ->check([](const std::string& text) {
        const auto set = algorithm_set_from_names(unprotect_argument(text));
        return set ? std::string() : set.error().message;
      })
      ->group(group);
  add_choice<Accuracy>(app, "--accuracy", into.setup.accuracy,
                       {{"default", Accuracy::kDefault}, {"fast", Accuracy::kFast}, {"full", Accuracy::kFull}}, "HOW",
                       "How much of each picture is decoded")
      ->group(group);
  const char* limits = "Limits";
  add_size(app, "--max-pixels", into.setup.max_pixels, "Leave out pictures with more pixels")
      ->default_str("400M")
      ->group(limits);
  add_size(app, "--max-file-size", into.setup.max_file_bytes, "Leave out larger files")
      ->default_str("512Mi")
      ->group(limits);
  add_size(app, "--mem-limit", into.pairing_memory_bytes, "Memory for sorting codes when pairs are searched, in all")
      ->default_str("1Gi")
      ->group(limits);
  add_seconds(app, "--task-deadline", into.task_deadline_s, "Give up on a file after so many seconds without progress")
      ->group(limits);
}

Result<PreparedRequest> prepare(const Selection& selection, AlgorithmSet default_features, const Session& session) {
  if (selection.roots.empty() && selection.files_from.empty())
    return fail(Errc::kInvalidArgument, "nothing to look through: name a directory, or a list with --files-from");
  if (!selection.roots.empty() && !selection.files_from.empty())
    return fail(Errc::kInvalidArgument, "name directories, or a list with --files-from, but not both");
  if (selection.nul && selection.files_from.empty())
    return fail(Errc::kInvalidArgument,
                "-0 says how the list of --files-from is separated, but there is no --files-from");
  PreparedRequest prepared;
  auto& request = prepared.request;
  request.roots = selection.roots;
  if (!selection.files_from.empty()) {
    PAIRLOOM_ASSIGN(prepared.list, open_list(selection.files_from));
    request.files_from_fd = prepared.list.get();
    request.files_from_nul = selection.nul;
  }
  request.walk = selection.walk;
  if (selection.max_depth) request.walk.max_depth = static_cast<int>(*selection.max_depth);
  request.setup = selection.setup;
  request.setup.algorithms = default_features;
  if (!selection.features.empty()) {
    PAIRLOOM_ASSIGN(request.setup.algorithms, algorithm_set_from_names(selection.features));
  }
  request.pool = session.pool();
  request.pool.task_deadline_s = selection.task_deadline_s;
  request.retry_failed = selection.retry_failed;
  request.pairing_memory_bytes = selection.pairing_memory_bytes;
  request.arguments = session.arguments;
  request.pair_algorithms = paired_on_arrival(request.setup.algorithms);
  return prepared;
}

}  // namespace pairloom::cli
