// pairloom watch add, rm, ls; pause, resume, reload, rescan: what a daemon is told.
#include <fmt/format.h>

#include <memory>

#include "base/text.h"
#include "cli/daemon_report.h"
#include "cli/file_selection.h"
#include "cli/find_daemon.h"
#include "cli/path_text.h"
#include "cli/verb.h"

namespace pairloom::cli {
namespace {

struct WatchOptions {
  std::string directory;
  daemon::WalkOptions walk;
  double poll_interval_s = 0;
};

Json json_list(const std::vector<std::string>& items) {
  Json list = Json::array();
  for (const std::string& item : items) list.push_back(json_path(item));
  return list;
}

Result<ExitCode> watch_add(const WatchOptions& options, Session& session) {
  PAIRLOOM_ASSIGN(const auto daemon, need_daemon(session));
  const std::string path = canonical_path(options.directory);
  Json arguments = {{"path", json_path(path)},
                    {"include", json_list(options.walk.include)},
                    {"exclude", json_list(options.walk.exclude)},
                    {"hidden", options.walk.hidden},
                    {"follow", options.walk.follow_symlinks},
                    {"one_file_system", options.walk.one_file_system}};
  if (options.poll_interval_s > 0) arguments["poll_interval_s"] = options.poll_interval_s;
  PAIRLOOM_TRY(daemon.client.ask({"POST", "/v1/watch", std::move(arguments)}));
  session.messages.note(fmt::format("watching '{}'", escape_for_terminal(path)));
  return ExitCode::kDone;
}

Result<ExitCode> watch_rm(const std::string& directory, Session& session) {
  PAIRLOOM_ASSIGN(const auto daemon, need_daemon(session));
  const std::string path = canonical_path(directory);
  PAIRLOOM_TRY(daemon.client.ask({"DELETE", "/v1/watch", {{"path", json_path(path)}}}));
  session.messages.note(
      fmt::format("'{}' is not watched any more; what the index holds of it stays", escape_for_terminal(path)));
  return ExitCode::kDone;
}

Result<ExitCode> watch_ls(OutputFormat format, Session& session) {
  PAIRLOOM_ASSIGN(const auto daemon, need_daemon(session));
  for (const Json& root : json_objects(daemon.status, "roots")) {
    if (format == OutputFormat::kJsonl) session.out.write(json_line(root));
    if (format == OutputFormat::kNull && root.contains("path")) session.out.write(path_from_json(root["path"]) + '\0');
    if (format == OutputFormat::kHuman) session.out.write(root_line(root, session.out_style) + "\n");
  }
  return ExitCode::kDone;
}

Result<ExitCode> tell(const char* path, std::string_view done, Session& session) {
  PAIRLOOM_ASSIGN(const auto daemon, need_daemon(session));
  PAIRLOOM_TRY(daemon.client.ask({"POST", path}));
  session.messages.note(done);
  return ExitCode::kDone;
}

Result<ExitCode> rescan(const std::vector<std::string>& directories, Session& session) {
  PAIRLOOM_ASSIGN(const auto daemon, need_daemon(session));
  std::vector<std::string> paths;
  for (const std::string& directory : directories) paths.push_back(canonical_path(directory));
  PAIRLOOM_TRY(daemon.client.ask({"POST", "/v1/rescan", {{"paths", json_list(paths)}}}));
  session.messages.note("they are walked as soon as the daemon gets to it; see: pairloom status");
  return ExitCode::kDone;
}

}  // namespace

Action declare_watch_add(CLI::App& app) {
  auto options = std::make_shared<WatchOptions>();
  const char* group = "Which files";
  add_path(app, "DIR", options->directory, "The directory to watch, with all below it");
  add_list(app, "--include", options->walk.include, "GLOB", "Only files whose path or name matches; may be repeated")
      ->group(group);
  add_list(app, "--exclude", options->walk.exclude, "GLOB", "Leave out what matches, directories with all below them")
      ->group(group);
  app.add_flag("--hidden", options->walk.hidden, "Also names that begin with a dot")->group(group);
  app.add_flag("--follow", options->walk.follow_symlinks, "Follow symbolic links to directories")->group(group);
  app.add_flag("-x,--one-file-system", options->walk.one_file_system, "Stay on the directory's file system")
      ->group(group);
  add_amount(app, "--poll-interval", options->poll_interval_s, "SECONDS",
             "How often it is walked where the kernel tells of no changes; 0: as the daemon is configured")
      ->group("How");
  return [options](Session& session) { return watch_add(*options, session); };
}

Action declare_watch_rm(CLI::App& app) {
  auto directory = std::make_shared<std::string>();
  add_path(app, "DIR", *directory, "A directory that was added by: pairloom watch add");
  return [directory](Session& session) { return watch_rm(*directory, session); };
}

Action declare_watch_ls(CLI::App& app) {
  auto format = std::make_shared<OutputFormat>(OutputFormat::kHuman);
  add_output_option(app, *format, {OutputFormat::kHuman, OutputFormat::kJsonl, OutputFormat::kNull});
  return [format](Session& session) { return watch_ls(*format, session); };
}

Action declare_pause(CLI::App&) {
  return [](Session& session) { return tell("/v1/pause", "paused, until: pairloom resume", session); };
}

Action declare_resume(CLI::App&) {
  return [](Session& session) { return tell("/v1/resume", "goes on", session); };
}

Action declare_reload(CLI::App&) {
  return [](Session& session) { return tell("/v1/reload", "the configuration is in force", session); };
}

Action declare_rescan(CLI::App& app) {
  auto directories = std::make_shared<std::vector<std::string>>();
  add_paths(app, "DIR", *directories, "Watched directories, or anything in them; none: all that are watched");
  return [directories](Session& session) { return rescan(*directories, session); };
}

}  // namespace pairloom::cli
