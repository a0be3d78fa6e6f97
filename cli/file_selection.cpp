#include "cli/file_selection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>

#include "base/text.h"

namespace pairloom::cli {

void add_file_options(CLI::App& app, FileSelection& into, const std::string& name, const std::string& about) {
  const char* group = "Which files";
  if (!name.empty()) {
    add_paths(app, name, into.roots, about);
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
}

daemon::WalkOptions FileSelection::walk_options() const {
  daemon::WalkOptions options = walk;
  if (max_depth) options.max_depth = static_cast<int>(*max_depth);
  return options;
}

Result<> check(const FileSelection& selection) {
  if (!selection.roots.empty() && !selection.files_from.empty())
    return fail(Errc::kInvalidArgument, "name directories, or a list with --files-from, but not both");
  if (selection.nul && selection.files_from.empty())
    return fail(Errc::kInvalidArgument,
                "-0 says how the list of --files-from is separated, but there is no --files-from");
  return {};
}

Result<Fd> open_list(const FileSelection& selection) {
  const std::string& path = selection.files_from;
  if (path.empty()) return Fd();
  const bool standard_input = path == "-";
  // A copy of its own, so that closing it is always right.
  Fd fd(standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("cannot open the list '{}'", escape_for_terminal(path)), errno);
  return fd;
}

Result<PreparedFiles> prepare(const FileSelection& selection) {
  PAIRLOOM_TRY(check(selection));
  PreparedFiles prepared;
  prepared.request.paths = selection.roots;
  PAIRLOOM_ASSIGN(prepared.list, open_list(selection));
  if (prepared.list) prepared.request.files_from_fd = prepared.list.get();
  prepared.request.files_from_nul = selection.nul;
  prepared.request.walk = selection.walk_options();
  return prepared;
}

}  // namespace pairloom::cli
