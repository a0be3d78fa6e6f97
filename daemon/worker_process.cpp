#include "daemon/worker_process.h"

#include <poll.h>
#include <sys/socket.h>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "shm/file_passing.h"

namespace pairloom::daemon {
namespace {

struct RequestSockets {
  Fd supervisor, opener;
};

// Keeps the boundaries of the chunks. Two chunks at most are under way, far less than the buffer holds: it is full only
// when the worker finishes tasks without taking their files.
Result<RequestSockets> make_request_sockets() {
  constexpr int kBufferBytes = 512 * 1024;  // as far as the system allows
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno("cannot make a socket pair", errno);
  RequestSockets sockets{Fd(ends[0]), Fd(ends[1])};
  ::setsockopt(sockets.supervisor.get(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof kBufferBytes);
  return sockets;
}

constexpr int kOpenerEndMs = 50;

bool ends_within(int pid_fd, int ms) {
  pollfd ended{pid_fd, POLLIN, 0};
  return ::poll(&ended, 1, ms) == 1;
}

std::string number(int n) {
  return std::to_string(ChildProcess::kFirstFd + n);
}

}  // namespace

WorkerProcess::WorkerProcess(ChildProcess worker, ChildProcess opener, Fd requests,
                             std::unique_ptr<shm::SupervisorChannel> channel)
    : worker_(std::move(worker)),
      opener_(std::move(opener)),
      requests_(std::move(requests)),
      channel_(std::move(channel)) {}

Result<WorkerProcess> WorkerProcess::start(const WorkerPrograms& programs, uint32_t slot, uint64_t generation, int cpu,
                                           shm::LaneSizes sizes) {
  PAIRLOOM_ASSIGN(auto lane, shm::Lane::create(sizes, slot, generation));
  PAIRLOOM_ASSIGN(auto sockets, shm::make_socket_pair());
  PAIRLOOM_ASSIGN(auto files, shm::make_file_sockets());
  PAIRLOOM_ASSIGN(auto requests, make_request_sockets());
  const int lane_fd = lane.fd();
  // Before the fork: it announces that we wait, and a worker that said hello before that would wake nobody.
  auto channel = std::make_unique<shm::SupervisorChannel>(std::move(lane), std::move(sockets.supervisor));

  // What is close-on-exec here is open in the children only as far as it is named; our own copies of their ends close
  // when this function returns, or end-of-file would never come.
  const std::array<int, 3> for_worker{lane_fd, sockets.worker.get(), files.worker.get()};
  std::vector<std::string> arguments = {"--lane", number(0), "--socket", number(1), "--files", number(2), "--cpu",
                                        std::to_string(cpu), "--memory", std::to_string(programs.memory_bytes)};
  if (programs.rare_decoders) arguments.emplace_back("--rare-decoders");
  for (const std::string& plugin : programs.plugins) arguments.insert(arguments.end(), {"--plugin", plugin});
  PAIRLOOM_ASSIGN(auto worker, ChildProcess::start(programs.worker, arguments, for_worker));
  const std::array<int, 2> for_opener{requests.opener.get(), files.opener.get()};
  std::vector<std::string> opener_arguments = {number(0), number(1)};
  if (programs.drop_behind) opener_arguments.emplace_back("--drop-behind");
  PAIRLOOM_ASSIGN(auto opener, ChildProcess::start(programs.opener, opener_arguments, for_opener));
  return WorkerProcess(std::move(worker), std::move(opener), std::move(requests.supervisor), std::move(channel));
}

Result<> WorkerProcess::open_files(std::span<const std::byte> chunk) {
  while (::send(requests_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EPIPE || errno == ECONNRESET) return {};
    if (errno == EAGAIN) return fail(Errc::kProtocol, "it does not take the files it has been given");
    if (errno != EINTR) return fail_errno("cannot have files opened", errno);
  }
  return {};
}

void WorkerProcess::kill() {
  worker_.kill();
  opener_.kill();
}

Death WorkerProcess::end() {
  const auto of_opener = [this](bool it_is) {
    Death death = opener_.end();
    death.of_opener = true;
    return it_is ? std::optional(death) : std::nullopt;
  };
  if (!worker_.has_ended()) {
    const bool opener_had_ended = opener_.has_ended();
    kill();  // both at once, so that they are waited for together
    const Death death = worker_.end();
    return of_opener(opener_had_ended).value_or(death);
  }
  const Death death = worker_.end();
  // A worker that leaves because its opener is gone may be quicker than the opener's own end is seen.
  const bool left_for_it = !death.by_signal && death.code == shm::kExitWithoutOpener;
  return of_opener(left_for_it && ends_within(opener_.pid_fd(), kOpenerEndMs)).value_or(death);
}

}  // namespace pairloom::daemon
