// pairloom-control: speaks HTTP at the control socket of a daemon. The supervisor starts it with the listening socket and
// one end of a socketpair, asks nothing of it, and starts another when it dies. It is a process of its own because it has
// threads, which the supervisor must not have, and because it reads what any client sends. It knows neither the index nor
// any image. Not meant to be started by hand.
#include <fcntl.h>
#include <unistd.h>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "control/containment.h"
#include "control/exchange.h"
#include "control/http_server.h"

namespace {

using namespace pairloom;

int descriptor_in(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

int end_with(const Error& error) {
  fmt::print(stderr, "pairloom-control: {}\n", error.message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool named = argc == 5 && std::string_view(argv[1]) == "--socket" && std::string_view(argv[3]) == "--supervisor";
  Fd listening(named ? descriptor_in(argv[2]) : -1), supervisor(named ? descriptor_in(argv[4]) : -1);
  if (!listening || !supervisor) {
    fmt::print(stderr, "pairloom-control: is started by pairloomd, not by hand (see pairloomd --help)\n");
    return 2;
  }
  for (const Fd* fd : {&listening, &supervisor}) ::fcntl(fd->get(), F_SETFD, FD_CLOEXEC);
  if (!control::contain()) fmt::print(stderr, "pairloom-control: this kernel has no seccomp: going on without a filter\n");

  control::Exchange exchange(std::move(supervisor));
  if (const auto said = exchange.say_hello(); !said) return end_with(said.error());
  control::HttpServer server(exchange, {}, {});
  // Whoever ends first ends the process, with all its connections: the threads own nothing that outlives it.
  std::thread([&exchange] {
    const Error end = exchange.hear();
    ::_exit(end.code == Errc::kInterrupted ? 0 : end_with(end));
  }).detach();
  ::_exit(end_with(server.serve(listening)));
}
