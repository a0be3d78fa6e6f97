#include "base/shortage.h"

#include <unistd.h>
#include <csignal>
#include <cstring>
#include <new>

namespace pairloom {
namespace {

const char* last_words = "";
int last_status = 1;

[[noreturn]] void end_now() {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, last_words, std::strlen(last_words));
  ::_exit(last_status);
}

}  // namespace

void outlive_failing_writes() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGPIPE, &action, nullptr);
  ::sigaction(SIGXFSZ, &action, nullptr);
}

void end_where_memory_ends(const char* message, int status) {
  last_words = message;
  last_status = status;
  std::set_new_handler(end_now);
}

}  // namespace pairloom
