#include "tests/process/control_host.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace pairloom::test {
namespace {

void signal_to(const Fd& event) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(event.get(), &one, sizeof one);
}

}  // namespace

ControlHost::ControlHost(const std::string& index_path, const std::string& control_program)
    : socket_(scratch_ / "control.sock"),
      index_path_(index_path),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      happened_(::eventfd(0, EFD_CLOEXEC)) {
  auto listening = daemon::ControlSocket::listen(socket_, "");
  if (!listening) throw std::runtime_error(listening.error().message);
  daemon::ControlOptions options;
  options.index_path = index_path;
  options.control_program = control_program;
  auto started = std::make_shared<std::atomic<bool>>(false);
  // The children die with the thread that starts them.
  thread_ = std::thread([this, options, socket = std::make_shared<daemon::ControlSocket>(std::move(*listening))] {
    auto channel = daemon::ControlChannel::start(std::move(*socket), options, *this);
    if (!channel) throw std::runtime_error(channel.error().message);
    loop(*channel);
  });
  until([this, control_program] { return control_pid_ != 0 || !control_program.empty(); });
}

ControlHost::~ControlHost() {
  signal_to(stop_);
  thread_.join();
}

void ControlHost::loop(daemon::ControlChannel& channel) {
  while (true) {
    control_pid_ = channel.pid();
    deaths_ = channel.deaths();
    {
      const std::lock_guard lock(mutex_);
      if (auto complaint = channel.take_complaint(); !complaint.empty()) complaint_ = std::move(complaint);
    }
    signal_to(happened_);
    pollfd wanted[2] = {{channel.fd(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(wanted, 2, -1);
    if (wanted[1].revents != 0) return waiting_.clear();
    channel.handle_events();
    std::erase_if(waiting_, [this](daemon::IndexReply& reply) {
      if (!reply.stop_requested()) return false;
      daemon::RunSummary summary;
      summary.totals.interrupted = true;
      reply.finish(summary);
      index_was_stopped_ = true;
      return true;
    });
  }
}

void ControlHost::until(const std::function<bool()>& condition) {
  uint64_t count = 0;
  while (!condition()) {
    [[maybe_unused]] const ssize_t got = ::read(happened_.get(), &count, sizeof count);
  }
}

std::vector<std::string> ControlHost::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::string ControlHost::complaint() const {
  const std::lock_guard lock(mutex_);
  return complaint_;
}

void ControlHost::refuse_next(Error error) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(error);
}

Result<> ControlHost::note(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (refusal_) return tl::unexpected<Error>(*std::exchange(refusal_, std::nullopt));
  asked_.push_back(what);
  return {};
}

Fd ControlHost::connect() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_.c_str(), sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Fd();
  return fd;
}

std::string ControlHost::talk(const std::string& request) const {
  const Fd fd = connect();
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = ::send(fd.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  std::string answer(1 << 16, '\0');
  size_t got = 0;
  for (ssize_t n; (n = ::recv(fd.get(), answer.data() + got, answer.size() - got, 0)) > 0;) {
    got += static_cast<size_t>(n);
    if (got == answer.size()) answer.resize(2 * got);
  }
  answer.resize(got);
  return answer;
}

daemon::DaemonStatus ControlHost::status() {
  daemon::DaemonStatus status;
  status.state = daemon::DaemonStatus::State::kIdle;
  status.index_path = index_path_;
  status.uptime_s = 12.5;
  status.totals.indexed = 41;
  status.workers.push_back({.slot = 0, .pid = 77, .tasks = 5, .tasks_per_s = 2.5, .sandbox_level = 31});
  daemon::RootStatus root;
  root.path = "/pictures \"of\" mine";
  root.state = daemon::RootStatus::State::kOffline;
  root.watch = daemon::RootStatus::Watch::kInotify;
  root.reason = "not mounted";
  status.roots.push_back(std::move(root));
  return status;
}

Result<> ControlHost::rescan(const daemon::ControlPeer&, const std::vector<std::string>& paths) {
  std::string what = "rescan";
  for (const std::string& path : paths) what += " " + path;
  return note(what);
}

Result<> ControlHost::watch_add(const daemon::ControlPeer&, daemon::WatchCommand command) {
  return note("watch " + command.path + (command.walk.hidden ? " hidden" : "") +
              (command.walk.exclude.empty() ? "" : " without " + command.walk.exclude.front()));
}

void ControlHost::index(const daemon::ControlPeer&, daemon::IndexCommand command, daemon::IndexReply reply) {
  std::string what = "index";
  for (const std::string& root : command.request.roots) what += " " + root;
  if (command.list) {
    std::string list(1000, '\0');
    const auto got = read_up_to(command.list.get(), list.data(), list.size(), "list");
    what += " list " + list.substr(0, got.value_or(0));
  }
  if (const auto noted = note(what); !noted) return reply.fail(noted.error());
  reply.progress({.found = 3, .done = 1});
  reply.problem({"/a/b.jpg", "cannot open: Permission denied", false});
  if (what.find("/wait") != std::string::npos) return waiting_.push_back(std::move(reply));
  daemon::RunSummary summary;
  summary.totals.seen = 3;
  summary.totals.indexed = 2;
  summary.totals.failed = 1;
  reply.finish(summary);
}

}  // namespace pairloom::test
