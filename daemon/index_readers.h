// IndexReaders: the children that answer clients' questions out of the index, a few at a time, the rest in line. Each
// ends by itself, with its client, or at a deadline. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "daemon/control_link.h"
#include "daemon/reader_process.h"

namespace pairloom::daemon {

class IndexReaders {
 public:
  // Children show up at `epoll` with tokens of at least kFirstToken.
  static constexpr uint64_t kFirstToken = 1 << 20;
  IndexReaders(std::string program, int at_a_time, int epoll, const Clock& clock);
  ~IndexReaders();

  // Starts `program arguments`, now or when it is its turn, and answers `request` with what it prints, followed by a line
  // {"type": "end", "exit_code", "said"}.
  void ask(const std::shared_ptr<ControlLink>& link, uint64_t request, std::vector<std::string> arguments, Fd input);
  void forget(uint64_t request);  // nobody wants the answer any more; also when there is no such request
  void forget_all();

  void handle_event(uint64_t token);  // of a child that ended
  void handle_deadlines();
  int64_t next_deadline_ns() const;  // monotonic; -1 = none
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Question {
    std::weak_ptr<ControlLink> link;
    uint64_t request;
    std::vector<std::string> arguments;
    Fd input;
  };
  struct Running {
    Question question;
    ReaderProcess process;
    int64_t deadline_ns;
    bool timed_out = false;
  };
  void start_next();
  void start(Question question);

  std::string program_;
  size_t at_a_time_;
  int epoll_;
  const Clock& clock_;
  uint64_t next_token_ = kFirstToken;
  std::deque<Question> waiting_;
  std::map<uint64_t, Running> running_;  // by token
};

}  // namespace pairloom::daemon
