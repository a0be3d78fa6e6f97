// Result<T>: a value or an Error that says what failed, where, and what to do. Runs in: any process.
#pragma once

#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

namespace pairloom {

// What kind of failure; the CLI maps it to an exit code (cli/exit_code.h).
enum class Errc : unsigned char {
  kInvalidArgument,  // the user asked for something that cannot be
  kIo,               // a system call failed; the message holds path and errno text
  kIndexMissing,     // no index at that path
  kIndexTooNew,      // made by a newer pairloom
  kIndexCorrupt,     // SQLite or our own checks say the file is damaged
  kIndexLocked,      // another writer holds it; the message names it
  kRefused,          // refused for safety
  kInterrupted,      // SIGINT/SIGTERM; all that was finished is committed
  kNoWorkers,        // no worker process can be started
  kProtocol,         // a peer process broke the lane protocol
  kCorrupt,          // input bytes are not what their format promises
  kUnsupported,      // a format or feature this build does not have
  kTooLarge,         // a stated limit was exceeded
};

struct Error {
  Errc code;
  std::string message;  // complete sentence fragment for the user: "cannot open '/x': Permission denied"
};

template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// `what` + ": " + the text of `errnum`, as Errc::kIo.
inline tl::unexpected<Error> fail_errno(const std::string& what, int errnum) {
  return fail(Errc::kIo, what + ": " + std::generic_category().message(errnum));
}

}  // namespace pairloom

// PAIRLOOM_TRY(expr): return the error of a Result-valued expression from the enclosing function.
// PAIRLOOM_ASSIGN(decl, expr): the same, else bind the value: PAIRLOOM_ASSIGN(auto fd, open_file(path));
#define PAIRLOOM_TRY(expr)                                                          \
  do {                                                                              \
    if (auto pairloom_try_ = (expr); !pairloom_try_)                                \
      return ::tl::unexpected<::pairloom::Error>(std::move(pairloom_try_).error()); \
  } while (false)
#define PAIRLOOM_CONCAT2_(a, b) a##b
#define PAIRLOOM_CONCAT_(a, b) PAIRLOOM_CONCAT2_(a, b)
#define PAIRLOOM_ASSIGN(decl, expr) PAIRLOOM_ASSIGN_(PAIRLOOM_CONCAT_(pairloom_result_, __LINE__), decl, expr)
#define PAIRLOOM_ASSIGN_(tmp, decl, expr)                                       \
  auto tmp = (expr);                                                            \
  if (!tmp) return ::tl::unexpected<::pairloom::Error>(std::move(tmp).error()); \
  decl = std::move(*tmp)
