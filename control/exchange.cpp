#include "control/exchange.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

#include "base/version.h"

namespace pairloom::control {
namespace {

constexpr size_t kEnoughKeptBytes = 64 * 1024;
constexpr int kSupervisorListensMs = 30'000;

}  // namespace

std::optional<Answer::Head> Answer::take_head() {
  const std::lock_guard lock(mutex_);
  return std::exchange(head_, std::nullopt);
}

bool Answer::take_body(std::string& into) {
  const std::lock_guard lock(mutex_);
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof count);
  into += std::exchange(body_, {});
  return complete_;
}

void Answer::put(Message message) {
  const std::lock_guard lock(mutex_);
  if (message.kind == MessageKind::kBegin) {
    Head head;
    if (const auto said = parse_object(message.payload)) {
      take_field(*said, "status", head.status);
      take_field(*said, "type", head.type);
    }
    head.body = std::move(message.descriptor);
    head_ = std::move(head);
  }
  const bool left_out = message.kind == MessageKind::kLoosePart && body_.size() > kEnoughKeptBytes;
  if ((message.kind == MessageKind::kPart || message.kind == MessageKind::kLoosePart) && !left_out)
    body_ += message.payload;
  complete_ = complete_ || message.kind == MessageKind::kEnd;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(event_.get(), &one, sizeof one);
}

Result<> Exchange::say_hello() {
  return send(MessageKind::kHello, 0, json_line({{"version", kVersion}}), Fd());
}

Result<> Exchange::send(MessageKind kind, uint64_t request, const std::string& payload, const Fd& body) {
  while (true) {
    PAIRLOOM_ASSIGN(const bool sent, send_message(supervisor_.get(), kind, request, payload, body.get()));
    if (sent) return {};
    pollfd room{supervisor_.get(), POLLOUT, 0};
    const int ready = ::poll(&room, 1, kSupervisorListensMs);
    if (ready == 0) return fail(Errc::kIo, "the daemon does not listen; see its log");
    if (ready < 0 && errno != EINTR) return fail_errno("cannot wait for the daemon", errno);
  }
}

Result<std::shared_ptr<Answer>> Exchange::ask(const Json& envelope, const Fd& body) {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("cannot make an eventfd", errno);
  const uint64_t request = next_request_++;
  const std::shared_ptr<Answer> answer(new Answer(request, std::move(event)));
  {
    const std::lock_guard lock(mutex_);
    answers_[request] = answer;
  }
  if (const auto sent = send(MessageKind::kRequest, request, json_line(envelope), body); !sent) {
    const std::lock_guard lock(mutex_);
    answers_.erase(request);
    return tl::unexpected<Error>(sent.error());
  }
  return answer;
}

void Exchange::forget(const Answer& answer) {
  {
    const std::lock_guard lock(mutex_);
    if (answers_.erase(answer.request_) == 0) return;  // it was complete
  }
  // That it cannot be told matters only to a supervisor that does not listen at all.
  [[maybe_unused]] const auto sent = send(MessageKind::kGone, answer.request_, {}, Fd());
}

Error Exchange::hear() {
  Message message;
  while (true) {
    const auto received = receive_message(supervisor_.get(), message);
    if (!received) return received.error();
    if (*received == Received::kNothing) {
      pollfd socket{supervisor_.get(), POLLIN, 0};
      if (::poll(&socket, 1, -1) < 0 && errno != EINTR) return Error{Errc::kIo, "cannot wait for the supervisor"};
      continue;
    }
    std::shared_ptr<Answer> answer;
    {
      const std::lock_guard lock(mutex_);
      const auto found = answers_.find(message.request);
      if (found == answers_.end()) continue;  // its client left
      answer = found->second;
      if (message.kind == MessageKind::kEnd) answers_.erase(found);
    }
    answer->put(std::move(message));
  }
}

}  // namespace pairloom::control
