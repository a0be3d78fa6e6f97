// DaemonClient: asks a daemon over its control socket; HTTP/1.1 as far as that needs it, one connection a request
// (docs/control.md). By hand, because the library for it (cpp-httplib) loads OpenSSL at every start of `pairloom`.
// Runs in: cli.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/json_text.h"
#include "base/result.h"

namespace pairloom::cli {

struct DaemonRequest {
  std::string method, path;  // "POST", "/v1/index"
  Json arguments = Json::object();
  // Sent as the body, then the arguments go into the query; null: the arguments are the body.
  const std::string* data = nullptr;
};

class DaemonClient {
 public:
  explicit DaemonClient(std::string socket) : socket_(std::move(socket)) {}
  const std::string& socket() const { return socket_; }

  // The document that answers. kIndexLocked: nobody listens there, it is not ours to use, or it is no daemon of a version
  // that can be talked to; otherwise what the daemon says is wrong.
  Result<Json> ask(const DaemonRequest& request) const;
  // For answers of many records: each line as it comes. An answer that is cut off is an error. `stop_fd`, if not -1:
  // when it becomes readable, `stop` is called; true from it ends the wait with kInterrupted.
  Result<> ask(const DaemonRequest& request, const std::function<Result<>(const Json&)>& line, int stop_fd = -1,
               const std::function<bool()>& stop = nullptr) const;

 private:
  std::string socket_;
};

// What HTTP made of an answer, piece by piece. Public for its tests.
class ResponseReader {
 public:
  // Takes bytes as they come and appends what they hold of the body. kProtocol: that is no HTTP.
  Result<> feed(std::string_view bytes, std::string& body);
  int status() const { return status_; }  // 0 = not known yet
  bool complete() const { return state_ == State::kDone; }
  void end_of_input() { if (state_ == State::kUntilEnd) state_ = State::kDone; }

 private:
  enum class State { kHead, kSized, kUntilEnd, kChunkSize, kChunk, kChunkEnd, kTrailer, kDone };
  Result<> take_line(std::string_view line);
  Result<> begin_body();
  State state_ = State::kHead;
  std::string line_;  // so far
  int status_ = 0;
  bool chunked_ = false, sized_ = false;
  uint64_t left_ = 0;  // of the body or the chunk
};

}  // namespace pairloom::cli
