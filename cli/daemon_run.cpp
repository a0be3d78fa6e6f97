#include "cli/daemon_run.h"

#include <sys/signalfd.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "cli/find_daemon.h"
#include "cli/index_writing.h"
#include "cli/indexing.h"
#include "daemon/run_json.h"
#include "daemon/stop_signals.h"
#include "index/index_writer.h"

namespace pairloom::cli {
namespace {

// As control/upload.h has it; said here, before anything is sent.
constexpr size_t kMaxListBytes = 128 << 20;

Result<std::string> read_to_end(const Fd& fd) {
  std::string text;
  std::array<char, 65536> piece;
  while (true) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read the list of files", errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
    if (text.size() > kMaxListBytes)
      return fail(Errc::kTooLarge,
                  fmt::format("the list of files is longer than the daemon takes ({} bytes); name directories, give it "
                              "in parts, or stop the daemon",
                              kMaxListBytes));
  }
}

// The daemon's working directory is another than ours.
std::string absolute_path(std::string_view path) {
  std::error_code error;
  static const std::string here = std::filesystem::current_path(error).string();
  return path.starts_with('/') ? std::string(path) : fmt::format("{}/{}", here, path);
}

std::string with_absolute_paths(const std::string& list, char end) {
  std::string out;
  for (size_t at = 0; at < list.size();) {
    const size_t stop = std::min(list.find(end, at), list.size());
    const std::string_view path = std::string_view(list).substr(at, stop - at);
    if (!path.empty()) out += absolute_path(path) + end;
    at = stop + 1;
  }
  return out;
}

// A run as it comes over the socket.
class RemoteRun {
 public:
  RemoteRun(const DaemonClient& client, const daemon::RunObserver& observer) : client_(client), observer_(observer) {}

  Result<daemon::RunSummary> run(const DaemonRequest& request) {
    PAIRLOOM_ASSIGN(auto signals, daemon::StopSignals::catch_them());
    const auto on_signal = [&] {
      signalfd_siginfo arrived{};
      [[maybe_unused]] const ssize_t got = ::read(signals.fd(), &arrived, sizeof arrived);
      return stop();
    };
    PAIRLOOM_TRY(client_.ask(
        request, [this](const Json& record) { return take(record); }, signals.fd(), on_signal));
    if (!summary_) return fail(Errc::kIndexLocked, "the daemon's answer was cut off; it may have been restarted");
    return std::move(*summary_);
  }

 private:
  Result<> take(const Json& record) {
    std::string type;
    take_field(record, "type", type);
    if (type == "begin") take_field(record, "request", request_);
    if (type == "progress" && observer_.progress) observer_.progress(daemon::progress_from_json(record));
    if (type == "problem" && observer_.problem) observer_.problem(daemon::problem_from_json(record));
    if (type == "summary") summary_ = daemon::summary_from_json(record);
    if (type == "error") return tl::unexpected<Error>(daemon::error_from_json(record));
    return {};
  }

  // True: do not wait for the daemon any longer.
  bool stop() {
    if (std::exchange(stopping_, true) || request_ == 0) return true;
    return !client_.ask({"POST", "/v1/stop", {{"request", request_}}});
  }

  const DaemonClient& client_;
  const daemon::RunObserver& observer_;
  std::optional<daemon::RunSummary> summary_;
  uint64_t request_ = 0;
  bool stopping_ = false;
};

}  // namespace

Result<ExitCode> run_by_daemon(const DaemonClient& client, PreparedRequest prepared, Session& session,
                               bool features_chosen) {
  std::string list;
  if (prepared.list) {
    PAIRLOOM_ASSIGN(list, read_to_end(prepared.list));
    list = with_absolute_paths(list, prepared.request.files_from_nul ? '\0' : '\n');
  }
  for (std::string& root : prepared.request.roots) root = absolute_path(root);
  DaemonRequest request{"POST", "/v1/index", to_json(prepared.request)};
  if (!features_chosen)
    for (const char* key : {"features", "pair"}) request.arguments.erase(key);
  if (prepared.list) request.data = &list;
  session.messages.detail(fmt::format("the daemon at '{}' does it", client.socket()));
  return report_run(
      [&](const daemon::RunObserver& observer) -> Result<daemon::RunSummary> {
        PAIRLOOM_ASSIGN(auto summary, RemoteRun(client, observer).run(request));
        summary.kind = prepared.request.kind;
        return summary;
      },
      session);
}

Result<ExitCode> here_or_by_daemon(const Session& session, const std::function<Result<ExitCode>()>& here,
                                   const std::function<Result<ExitCode>(const DaemonClient&)>& by_daemon) {
  if (daemon_is_named(session)) {
    PAIRLOOM_ASSIGN(const auto named, need_daemon(session));
    return by_daemon(named.client);
  }
  auto done = here();
  if (done || (done.error().code != Errc::kIndexLocked && done.error().code != Errc::kIo)) return done;
  PAIRLOOM_ASSIGN(const auto owner, find_daemon(session));
  return owner ? by_daemon(owner->client) : done;
}

Result<ExitCode> run_here_or_by_daemon(Session& session, const std::string& program, PreparedRequest prepared,
                                       bool features_chosen) {
  const auto here = [&]() -> Result<ExitCode> {
    PAIRLOOM_TRY(require_index(session.index));
    PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(session.index, program));
    return run_and_report(index, prepared.request, session);
  };
  return here_or_by_daemon(session, here, [&](const DaemonClient& client) {
    return run_by_daemon(client, std::move(prepared), session, features_chosen);
  });
}

}  // namespace pairloom::cli
