#include "control/client_stream.h"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace pairloom::control {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
// What is left of a request when it has been answered: so much is taken, for so long, so that the client reads the
// answer before it learns that nobody listens.
constexpr size_t kLingerBytes = 4 << 20;
constexpr int64_t kLingerMs = 1'000;

int64_t now_ms() {
  return system_clock().monotonic_ns() / 1'000'000;
}

bool begins_with(std::string_view line, std::string_view name) {
  return line.size() > name.size() && ::strncasecmp(line.data(), name.data(), name.size()) == 0;
}

// Of the head's lines, without their ends.
Result<> check_line(std::string_view line) {
  for (const char c : line)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t')
      return fail(Errc::kInvalidArgument, "a control character in the request's head");
  // httplib matches ranges with a regular expression that goes as deep as they are long, and undoes compression without
  // a limit; neither is of use here.
  if (begins_with(line, "Range:")) return fail(Errc::kInvalidArgument, "ranges are not supported");
  if (begins_with(line, "Content-Encoding:"))
    return fail(Errc::kInvalidArgument, "send the body as it is, not compressed");
  return {};
}

}  // namespace

ClientStream::ClientStream(Fd socket, const ClientLimits& limits)
    : socket_(std::move(socket)), limits_(limits), write_ms_(limits.write_ms) {}

ClientStream::~ClientStream() {
  if (failed_ || ::shutdown(socket_.get(), SHUT_WR) != 0) return;
  std::string rest(kReadBytes, '\0');
  const int64_t deadline_ms = now_ms() + kLingerMs;
  for (size_t taken = 0; taken < kLingerBytes && wait_for(POLLIN, deadline_ms);) {
    const ssize_t got = ::recv(socket_.get(), rest.data(), rest.size(), MSG_DONTWAIT);
    if (got <= 0 && errno != EINTR && errno != EAGAIN) return;
    if (got == 0) return;
    taken += static_cast<size_t>(std::max<ssize_t>(got, 0));
  }
}

// A negative deadline: none.
bool ClientStream::wait_for(short what, int64_t deadline_ms) const {
  while (true) {
    const int64_t left_ms = deadline_ms < 0 ? -1 : std::max<int64_t>(0, deadline_ms - now_ms());
    pollfd socket{socket_.get(), what, 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(std::min<int64_t>(left_ms, 1 << 30)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Result<> ClientStream::read_head() {
  read_deadline_ms_ = now_ms() + limits_.head_ms;
  size_t line_begin = 0, lines = 0;
  while (true) {
    // The lines that are whole.
    for (size_t end; (end = buffer_.find('\n', line_begin)) != std::string::npos; line_begin = end + 1) {
      std::string_view line = std::string_view(buffer_).substr(line_begin, end - line_begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty() && lines > 0) {
        read_deadline_ms_ = now_ms() + limits_.body_ms;
        return {};
      }
      PAIRLOOM_TRY(check_line(line));
      if (++lines > limits_.head_lines) return fail(Errc::kTooLarge, "too many header lines");
      if (end >= limits_.head_bytes) break;
    }
    if (buffer_.size() > limits_.head_bytes) return fail(Errc::kTooLarge, "the request's head is too long");
    const size_t before = buffer_.size();
    buffer_.resize(before + kReadBytes);
    ssize_t got = -1;
    if (wait_for(POLLIN, read_deadline_ms_)) got = ::recv(socket_.get(), buffer_.data() + before, kReadBytes, MSG_DONTWAIT);
    buffer_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN) && now_ms() < read_deadline_ms_)) continue;
    failed_ = true;
    return fail(Errc::kInterrupted, "the client left, or said nothing");
  }
}

bool ClientStream::client_left() const {
  pollfd socket{socket_.get(), 0, 0};
  return ::poll(&socket, 1, 0) == 1 && (socket.revents & (POLLHUP | POLLERR)) != 0;
}

bool ClientStream::is_readable() const {
  return taken_ < buffer_.size() || wait_for(POLLIN, read_deadline_ms_);
}

bool ClientStream::is_writable() const {
  return !failed_ && !client_left();
}

ssize_t ClientStream::read(char* into, size_t size) {
  if (taken_ == buffer_.size()) {
    taken_ = 0;
    buffer_.resize(kReadBytes);
    ssize_t got = -1;
    do {
      if (!wait_for(POLLIN, read_deadline_ms_)) break;
      got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN) && now_ms() < read_deadline_ms_);
    buffer_.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) return got;
  }
  const size_t taken = std::min(size, buffer_.size() - taken_);
  std::memcpy(into, buffer_.data() + taken_, taken);
  taken_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t ClientStream::write(const char* from, size_t size) {
  while (!failed_) {
    const ssize_t sent = ::send(socket_.get(), from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno == EINTR) continue;
    const bool later = errno == EAGAIN && wait_for(POLLOUT, write_ms_ < 0 ? -1 : now_ms() + write_ms_);
    failed_ = !later;
  }
  return -1;
}

void ClientStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = "local";
  port = 0;
}

void ClientStream::get_local_ip_and_port(std::string& ip, int& port) const {
  get_remote_ip_and_port(ip, port);
}

}  // namespace pairloom::control
