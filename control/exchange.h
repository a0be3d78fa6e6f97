// Exchange: questions to the supervisor from any number of threads, and the answers back to whoever asked. One thread
// hears the supervisor and never waits for a client: what a client does not take is kept up to a bound, beyond it lines
// that may be missed are left out. Runs in: pairloom-control.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/json_text.h"
#include "base/result.h"
#include "control/message.h"

namespace pairloom::control {

// One answer on its way. Everything may be called from the thread that asked; the exchange fills it from another.
class Answer {
 public:
  struct Head {
    int status = 500;
    std::string type;
    Fd body;  // what the body begins with, up to this descriptor's end; none: nothing
  };
  // Readable when there may be something new.
  int event_fd() const { return event_.get(); }
  std::optional<Head> take_head();  // once; empty: not there yet
  // Appends what has come; true when the answer is complete with it.
  bool take_body(std::string& into);

 private:
  friend class Exchange;
  Answer(uint64_t request, Fd event) : request_(request), event_(std::move(event)) {}
  void put(Message message);
  const uint64_t request_;
  Fd event_;
  std::mutex mutex_;
  std::optional<Head> head_;
  std::string body_;
  bool complete_ = false;
};

class Exchange {
 public:
  explicit Exchange(Fd supervisor) : supervisor_(std::move(supervisor)) {}

  Result<> say_hello();
  // `envelope` needs "operation", "peer", "arguments". kIo: the supervisor does not listen within a time.
  Result<std::shared_ptr<Answer>> ask(const Json& envelope, const Fd& body);
  // Nobody takes the rest of it.
  void forget(const Answer& answer);

  // Hears the supervisor until it is gone, which is how this returns.
  Error hear();

 private:
  Result<> send(MessageKind kind, uint64_t request, const std::string& payload, const Fd& body);

  Fd supervisor_;
  std::atomic<uint64_t> next_request_ = 1;
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Answer>> answers_;
};

}  // namespace pairloom::control
