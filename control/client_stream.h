// ClientStream: one client's connection as httplib reads and writes it, with an end to patience: the request's head must
// come whole within a time and a size, before httplib sees a byte of it; the body must come in a time; an answer must be
// taken. A client that dribbles costs one thread for seconds, not for ever. Runs in: pairloom-control.
#pragma once

#include <httplib.h>
#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::control {

struct ClientLimits {
  size_t head_bytes = 16 * 1024;
  size_t head_lines = 64;
  int64_t head_ms = 10'000;    // for the whole head
  int64_t body_ms = 120'000;   // for the whole body
  int64_t write_ms = 30'000;   // for the client to take anything at all
};

class ClientStream final : public httplib::Stream {
 public:
  ClientStream(Fd socket, const ClientLimits& limits);
  ~ClientStream() override;  // says that nothing follows, and takes what the client still sends, for a moment

  // Reads the head. kInterrupted: the client left, or sent nothing in time; kTooLarge, kInvalidArgument: it is not what
  // will be listened to, with the reason for the client. The body's time begins when it returns.
  Result<> read_head();
  // An answer that takes as long as it takes: its client may be suspended.
  void be_patient() { write_ms_ = -1; }
  bool client_left() const;  // both directions are closed

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* into, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  int socket() const override { return socket_.get(); }

 private:
  bool wait_for(short what, int64_t deadline_ms) const;

  Fd socket_;
  ClientLimits limits_;
  int64_t write_ms_, read_deadline_ms_ = 0;
  std::string buffer_;  // read from the socket, not yet by httplib
  size_t taken_ = 0;
  bool failed_ = false;
};

}  // namespace pairloom::control
