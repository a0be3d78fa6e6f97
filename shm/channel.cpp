#include "shm/channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"

namespace pairloom::shm {
namespace {

// One byte, never blocking. A full socket is as good as sent: the peer has bytes to wake up for. A closed one is no
// error here: the side that reads it learns of the death in order, after what was published before.
Result<> wake(const Fd& socket) {
  const char byte = 0;
  while (::send(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EAGAIN || errno == EPIPE || errno == ECONNRESET) return {};
    if (errno != EINTR) return fail_errno("cannot wake the peer process", errno);
  }
  return {};
}

}  // namespace

Result<SocketPair> make_socket_pair() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno("cannot make a socket pair", errno);
  SocketPair pair{Fd(ends[0]), Fd(ends[1])};
  if (::fcntl(pair.supervisor.get(), F_SETFL, O_NONBLOCK) != 0)  // of this end only
    return fail_errno("cannot make a socket non-blocking", errno);
  return pair;
}

WorkerChannel::WorkerChannel(Lane lane, Fd socket)
    : lane_(std::move(lane)), socket_(std::move(socket)), down_(lane_.down_consumer()), up_(lane_.up_producer()) {}

// Tries, and sleeps between tries: the sleeper's steps S1 to S4 in ring.cpp. Other directions' wake-ups end a sleep
// too, so every round announces and looks anew. `attempt` returns a Result of an optional; the one returned here is
// never empty.
template <class End, class Attempt>
auto WorkerChannel::wait_for(End& end, Stage stage, Attempt attempt) -> decltype(attempt()) {
  auto outcome = attempt();
  if (!outcome || *outcome) return outcome;
  const int64_t began_ns = system_clock().monotonic_ns();
  while (true) {
    end.announce_wait();
    outcome = attempt();
    if (!outcome || *outcome) break;
    PAIRLOOM_TRY(wake_supervisor());  // of what was committed with Wake::kLater
    PAIRLOOM_TRY(receive_with_descriptors(socket_, descriptors_));  // sleeps; takes what has piled up, within reason
  }
  end.cancel_wait();
  const auto slept_ns = static_cast<uint64_t>(system_clock().monotonic_ns() - began_ns);
  add(state().stage_ns[static_cast<size_t>(stage)], slept_ns);
  return outcome;
}

Result<Record> WorkerChannel::wait_record() {
  PAIRLOOM_ASSIGN(const auto record, wait_for(down_, Stage::kIdle, [this] { return down_.front(); }));
  return *record;
}

// The bytes that come along are wake-ups for waits that are over: the next wait announces itself and looks first.
Result<Fd> WorkerChannel::take_descriptor() {
  while (descriptors_.empty()) PAIRLOOM_TRY(receive_with_descriptors(socket_, descriptors_));
  Fd descriptor = std::move(descriptors_.front());
  descriptors_.pop_front();
  return descriptor;
}

Result<> WorkerChannel::pop() {
  down_.pop();
  return down_.take_producer_wait() ? wake(socket_) : Result<>();
}

Result<std::span<std::byte>> WorkerChannel::reserve(uint64_t payload_bytes) {
  PAIRLOOM_ASSIGN(const auto room, wait_for(up_, Stage::kRing, [&] { return up_.reserve(payload_bytes); }));
  return *room;
}

Result<> WorkerChannel::commit(uint32_t kind, uint64_t payload_bytes, Wake wake) {
  up_.commit(kind, payload_bytes);
  return wake == Wake::kNow ? wake_supervisor() : Result<>();
}

Result<> WorkerChannel::wake_supervisor() {
  return up_.take_consumer_wait() ? wake(socket_) : Result<>();
}

Result<> WorkerChannel::push(uint32_t kind, std::span<const std::byte> payload) {
  PAIRLOOM_ASSIGN(const auto room, reserve(payload.size()));
  if (!payload.empty()) std::memcpy(room.data(), payload.data(), payload.size());
  return commit(kind, payload.size());
}

SupervisorChannel::SupervisorChannel(Lane lane, Fd socket)
    : lane_(std::move(lane)), socket_(std::move(socket)), down_(lane_.down_producer()), up_(lane_.up_consumer()) {
  up_.announce_wait();
}

Result<bool> SupervisorChannel::drain_wakeups() {
  // A bound, as a worker may send faster than we read; what is left keeps the socket readable, so nothing is lost.
  constexpr int kMaxReads = 16;
  std::array<char, 4096> bytes;
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got == 0 || errno == ECONNRESET) return false;
    return fail_errno(fmt::format("cannot read the socket of worker slot {}", lane_.slot()), errno);
  }
  return true;
}

// Descriptors go first, so that they have arrived when the worker finds the record; and only when there is room for the
// record, so that none is left over for the next one. (Room only grows: nobody else pushes.)
Result<bool> SupervisorChannel::try_push(uint32_t kind, std::span<const std::byte> payload,
                                         std::span<const int> descriptors) {
  const uint64_t bytes = record_bytes(payload.size());
  if (!descriptors.empty() && bytes <= down_.capacity_bytes()) {
    if (bytes > down_.free_bytes()) return false;
    PAIRLOOM_ASSIGN(const bool sent, send_descriptors(socket_, descriptors));
    if (!sent) return false;
  }
  return down_.push(kind, payload);
}

Result<bool> SupervisorChannel::push(uint32_t kind, std::span<const std::byte> payload,
                                     std::span<const int> descriptors) {
  PAIRLOOM_ASSIGN(bool pushed, try_push(kind, payload, descriptors));
  if (!pushed) {  // the sleeper's steps S1 and S2 in ring.cpp; S3 is the event loop
    down_.announce_wait();
    PAIRLOOM_ASSIGN(pushed, try_push(kind, payload, descriptors));
    if (!pushed) return false;
    down_.cancel_wait();
  }
  if (down_.take_consumer_wait()) PAIRLOOM_TRY(wake(socket_));
  return true;
}

void SupervisorChannel::want_room() {
  down_.announce_wait();
}

Result<std::optional<uint32_t>> SupervisorChannel::take(std::vector<std::byte>& buffer, uint64_t max_payload_bytes) {
  PAIRLOOM_ASSIGN(std::optional<Record> record, up_.front());
  if (!record) {
    up_.announce_wait();
    PAIRLOOM_ASSIGN(record, up_.front());
    if (!record) return std::nullopt;
    up_.cancel_wait();
  }
  if (record->payload.size() > max_payload_bytes)
    return fail(Errc::kProtocol, fmt::format("a record of kind {} with a payload of {} bytes, allowed are {}",
                                             record->kind, record->payload.size(), max_payload_bytes));
  buffer.assign(record->payload.begin(), record->payload.end());
  up_.pop();
  if (up_.take_producer_wait()) PAIRLOOM_TRY(wake(socket_));
  return record->kind;
}

}  // namespace pairloom::shm
