// A request's body: a sealed memory file, or text when it is short. All bodies together are bounded. Runs in:
// pairloom-control.
#pragma once

#include <httplib.h>
#include <cstdint>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::control {

constexpr uint64_t kMaxBodyBytes = 128 << 20;       // of one request
constexpr uint64_t kMaxBodiesBytes = 2 * kMaxBodyBytes;  // of all that are under way

// Gives its bytes back to the bound when it goes.
class Upload {
 public:
  Upload() = default;
  Upload(Upload&& other) noexcept : file_(std::move(other.file_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Upload& operator=(Upload&&) = delete;
  ~Upload();

  // kTooLarge: longer than a body may be; kIndexLocked: others are uploading too much; kInterrupted: the client stopped
  // sending.
  static Result<Upload> receive(const httplib::ContentReader& reader);
  const Fd& file() const { return file_; }
  uint64_t bytes() const { return bytes_; }
  Result<std::string> text() const;

 private:
  Fd file_;
  uint64_t bytes_ = 0;
};

}  // namespace pairloom::control
