#include "daemon/control_channel.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "base/version.h"
#include "daemon/child_process.h"
#include "daemon/control_link.h"
#include "daemon/control_requests.h"
#include "daemon/index_readers.h"

namespace pairloom::daemon {
namespace {

using control::Message;
using control::MessageKind;
using control::Received;

// Whose event it is; readers have theirs from IndexReaders::kFirstToken on.
enum Token : uint64_t { kTimer = 1, kLink, kProcess };

constexpr int64_t kSecondNs = 1'000'000'000;
// A process that lived for a while has not failed to start: the pause begins anew.
constexpr int64_t kLivedLongNs = 60 * kSecondNs;
constexpr int64_t kFirstPauseNs = kSecondNs / 20, kLongestPauseNs = 60 * kSecondNs;
// So that a client that asks without end leaves time for the rest of the daemon.
constexpr int kMessagesAtATime = 32;

}  // namespace

struct ControlChannel::State {
  State(ControlSocket listening, ControlOptions with, ControlHandler& handler, const Clock& time, Fd events, Fd timing)
      : socket(std::move(listening)),
        options(std::move(with)),
        clock(time),
        epoll(std::move(events)),
        timer(std::move(timing)),
        readers(options.reader_program, options.max_readers, epoll.get(), clock),
        requests(handler, readers, options.index_path, socket.group()) {}

  void start_process();
  void end_process(const std::string& reason);  // empty: it ended by itself
  void hear();
  Result<> take(Message message);
  void handle(uint64_t token);
  void arm_timer();

  ControlSocket socket;
  const ControlOptions options;
  const Clock& clock;
  Fd epoll, timer;
  IndexReaders readers;
  ControlRequests requests;
  std::optional<ChildProcess> process;
  std::shared_ptr<ControlLink> link;
  bool said_hello = false;
  int64_t started_ns = 0, start_again_ns = -1, pause_ns = kFirstPauseNs, armed_ns = -1;
  uint64_t deaths = 0;
  std::string complaint;
};

Result<ControlChannel> ControlChannel::start(ControlSocket socket, const ControlOptions& given, ControlHandler& handler,
                                             const Clock& clock) {
  ControlOptions options = given;
  PAIRLOOM_ASSIGN(options.control_program, find_control_program(given.control_program));
  PAIRLOOM_ASSIGN(options.reader_program, find_reader_program(given.reader_program));
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC)), timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!epoll || !timer) return fail_errno("cannot watch the control socket", errno);
  epoll_event wanted{.events = EPOLLIN, .data = {.u64 = kTimer}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &wanted) != 0)
    return fail_errno("cannot watch a timer", errno);
  auto state =
      std::make_unique<State>(std::move(socket), std::move(options), handler, clock, std::move(epoll), std::move(timer));
  state->start_process();
  return ControlChannel(std::move(state));
}

ControlChannel::ControlChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlChannel::ControlChannel(ControlChannel&&) noexcept = default;
ControlChannel::~ControlChannel() = default;

int ControlChannel::fd() const {
  return state_->epoll.get();
}

const std::string& ControlChannel::socket_path() const {
  return state_->socket.path();
}

pid_t ControlChannel::pid() const {
  return state_->process ? state_->process->pid() : 0;
}

uint64_t ControlChannel::deaths() const {
  return state_->deaths;
}

std::string ControlChannel::take_complaint() {
  return std::exchange(state_->complaint, {});
}

void ControlChannel::handle_events() {
  std::array<epoll_event, 32> events;
  const int count = ::epoll_wait(state_->epoll.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) state_->handle(events[static_cast<size_t>(i)].data.u64);
  state_->arm_timer();
}

void ControlChannel::State::handle(uint64_t token) {
  if (token >= IndexReaders::kFirstToken) return readers.handle_event(token);
  if (token == kTimer) {
    uint64_t times = 0;
    [[maybe_unused]] const ssize_t got = ::read(timer.get(), &times, sizeof times);
    armed_ns = -1;
    readers.handle_deadlines();
    if (start_again_ns >= 0 && clock.monotonic_ns() >= start_again_ns) start_process();
  }
  if (token == kLink && link) hear();
  // What it said before it died has been heard.
  if (token == kProcess && process && process->has_ended()) {
    if (link) hear();
    if (process) end_process({});
  }
}

void ControlChannel::State::hear() {
  link->flush();
  Message message;
  for (int i = 0; i < kMessagesAtATime && link; ++i) {
    const auto received = link->receive(message);
    if (!received) return end_process(received.error().code == Errc::kInterrupted ? "" : received.error().message);
    if (*received == Received::kNothing) return;
    if (const auto taken = take(std::move(message)); !taken) return end_process(taken.error().message);
  }
}

Result<> ControlChannel::State::take(Message message) {
  if (!said_hello) {
    const auto hello = parse_object(message.payload);
    std::string version;
    if (message.kind != MessageKind::kHello || !hello || !take_field(*hello, "version", version))
      return fail(Errc::kProtocol, "it did not say hello");
    if (version != kVersion)
      return fail(Errc::kProtocol, fmt::format("it is of version {}, this daemon of {}",
                                               escape_for_terminal(version.substr(0, 40)), kVersion));
    said_hello = true;
    return {};
  }
  switch (message.kind) {
    case MessageKind::kRequest:
      return requests.take(link, std::move(message));
    case MessageKind::kGone:
      requests.client_gone(message.request);
      return {};
    default:
      return fail(Errc::kProtocol, "it spoke out of turn");
  }
}

void ControlChannel::State::start_process() {
  start_again_ns = -1;
  started_ns = clock.monotonic_ns();
  said_hello = false;
  const auto started = [this]() -> Result<> {
    PAIRLOOM_ASSIGN(auto sockets, control::make_message_sockets());
    const std::array<int, 2> descriptors{socket.fd(), sockets.control.get()};
    PAIRLOOM_ASSIGN(auto child, ChildProcess::start(options.control_program,
                                                    {"--socket", std::to_string(ChildProcess::kFirstFd), "--supervisor",
                                                     std::to_string(ChildProcess::kFirstFd + 1)},
                                                    descriptors));
    PAIRLOOM_ASSIGN(link, ControlLink::create(std::move(sockets.supervisor), epoll.get(), kLink));
    epoll_event wanted{.events = EPOLLIN, .data = {.u64 = kProcess}};
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, child.pid_fd(), &wanted) != 0)
      return fail_errno("cannot watch the control process", errno);
    process.emplace(std::move(child));
    return {};
  }();
  if (!started) end_process(started.error().message);
  arm_timer();
}

void ControlChannel::State::end_process(const std::string& reason) {
  const int64_t now_ns = clock.monotonic_ns();
  std::string end;
  if (process) {
    const Death death = process->end();
    end = reason.empty() ? death.text() : reason + "; it was ended";
  }
  process.reset();
  link.reset();
  requests.all_gone();
  ++deaths;
  if (now_ns - started_ns > kLivedLongNs) pause_ns = kFirstPauseNs;
  start_again_ns = now_ns + pause_ns;
  complaint = fmt::format("the control process: {}; starting another in {}", end.empty() ? reason : end,
                          human_seconds(static_cast<double>(pause_ns) / 1e9));
  pause_ns = std::min(2 * pause_ns, kLongestPauseNs);
}

void ControlChannel::State::arm_timer() {
  int64_t next_ns = readers.next_deadline_ns();
  if (start_again_ns >= 0 && (next_ns < 0 || start_again_ns < next_ns)) next_ns = start_again_ns;
  if (next_ns == armed_ns) return;
  armed_ns = next_ns;
  const int64_t wait_ns = next_ns < 0 ? 0 : std::max<int64_t>(1, next_ns - clock.monotonic_ns());
  const itimerspec when{.it_interval = {}, .it_value = {wait_ns / kSecondNs, wait_ns % kSecondNs}};
  ::timerfd_settime(timer.get(), 0, &when, nullptr);
}

}  // namespace pairloom::daemon
