#include "cli/find_daemon.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string named_socket(const Session& session) {
  return session.globals.socket.empty() ? environment("PAIRLOOM_SOCKET") : session.globals.socket;
}

// Directories where daemons have their sockets, the user's own first.
std::vector<std::string> usual_directories() {
  std::vector<std::string> directories;
  if (const std::string runtime = environment("XDG_RUNTIME_DIR"); runtime.starts_with('/'))
    directories.push_back(runtime + "/pairloom");
  directories.emplace_back("/run/pairloom");
  return directories;
}

// A directory's own daemon, then its instances.
std::vector<std::string> sockets_in(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> below;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (std::filesystem::is_socket(at->path() / "control.sock", error))
      below.push_back((at->path() / "control.sock").string());
  std::sort(below.begin(), below.end());
  const std::filesystem::path own = std::filesystem::path(directory) / "control.sock";
  if (std::filesystem::is_socket(own, error)) below.insert(below.begin(), own.string());
  return below;
}

Result<Daemon> ask_status(const std::string& socket) {
  Daemon daemon{DaemonClient(socket), {}};
  PAIRLOOM_ASSIGN(daemon.status, daemon.client.ask({"GET", "/v1/status"}));
  return daemon;
}

bool has_index(const Json& status, const std::string& index) {
  const auto path = status.find("index");
  return path != status.end() && canonical_path(path_from_json(*path)) == index;
}

// The first at the usual places that has the index, or, if any will do, the first that answers.
std::optional<Daemon> look_around(const Session& session, bool any, std::vector<std::string>& looked,
                                  std::optional<Error>& refused) {
  const std::string index = canonical_path(session.index);
  std::optional<Daemon> other;
  for (const std::string& directory : usual_directories()) {
    looked.push_back(directory + "/control.sock");
    for (const std::string& socket : sockets_in(directory)) {
      auto daemon = ask_status(socket);
      if (!daemon) {
        if (!refused) refused = daemon.error();
        continue;
      }
      if (has_index(daemon->status, index)) return std::move(*daemon);
      if (any && !other) other = std::move(*daemon);
    }
  }
  return other;
}

}  // namespace

bool daemon_is_named(const Session& session) {
  const std::string socket = named_socket(session);
  return !socket.empty() && socket != "none";
}

Result<std::optional<Daemon>> find_daemon(const Session& session) {
  const std::string socket = named_socket(session);
  if (socket == "none") return std::nullopt;
  if (!socket.empty()) {
    PAIRLOOM_ASSIGN(auto daemon, ask_status(socket));
    return daemon;
  }
  std::vector<std::string> looked;
  std::optional<Error> refused;
  return look_around(session, false, looked, refused);
}

Result<Daemon> need_daemon(const Session& session) {
  const std::string socket = named_socket(session);
  if (socket == "none") return fail(Errc::kInvalidArgument, "only a daemon can do that, and --socket none asks none");
  if (!socket.empty()) return ask_status(socket);
  const bool any = session.globals.index.empty() && environment("PAIRLOOM_INDEX").empty();
  std::vector<std::string> looked;
  std::optional<Error> refused;
  if (auto daemon = look_around(session, any, looked, refused)) return std::move(*daemon);
  if (refused) return tl::unexpected<Error>(*refused);
  std::string places;
  for (const std::string& place : looked) places += (places.empty() ? "'" : ", '") + escape_for_terminal(place) + "'";
  return fail(Errc::kIndexLocked,
              any ? fmt::format("no daemon is running: looked at {}; start pairloomd, or name its socket with --socket",
                                places)
                  : fmt::format("no daemon has the index '{}': looked at {} and one level below; name its socket with "
                                "--socket",
                                escape_for_terminal(session.index), places));
}

}  // namespace pairloom::cli
