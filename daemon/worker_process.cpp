#include "daemon/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace pairloom::daemon {
namespace {

// Numbers the worker finds its descriptors at.
constexpr int kLaneFd = 3;
constexpr int kSocketFd = 4;

// The child between fork and exec: async-signal-safe calls only. Never returns.
[[noreturn]] void become_worker(const char* program, char* const* arguments, int lane_fd, int socket_fd, int null_fd,
                                pid_t supervisor) {
  // Dies with its supervisor even if that is SIGKILLed; the check closes the gap before prctl took effect.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);
  // The supervisor blocks signals and reads them from a descriptor; a worker must not inherit that. Ctrl-C goes to the
  // whole terminal group: the supervisor alone decides what it means.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGINT, SIG_IGN);
  // Both sources lie above kSocketFd (start() saw to it), so no dup2 overwrites the other; dup2 clears close-on-exec.
  if (::dup2(null_fd, STDIN_FILENO) < 0 || ::dup2(null_fd, STDOUT_FILENO) < 0) ::_exit(127);
  if (::dup2(lane_fd, kLaneFd) < 0 || ::dup2(socket_fd, kSocketFd) < 0) ::_exit(127);
  ::execv(program, arguments);
  ::_exit(127);
}

// A duplicate numbered above the worker's fixed descriptors.
Result<Fd> raise_fd(int fd) {
  Fd raised(::fcntl(fd, F_DUPFD_CLOEXEC, kSocketFd + 1));
  if (!raised) return fail_errno("cannot duplicate a descriptor", errno);
  return raised;
}

}  // namespace

std::string Death::text() const {
  if (by_signal) return fmt::format("killed by signal {} ({})", code, ::strsignal(code));
  if (code == 127) return "its program could not be executed";
  return fmt::format("exited with status {}", code);
}

WorkerProcess::WorkerProcess(pid_t pid, Fd pid_fd, std::unique_ptr<shm::SupervisorChannel> channel)
    : pid_(pid), pid_fd_(std::move(pid_fd)), channel_(std::move(channel)) {}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pid_fd_(std::move(other.pid_fd_)), channel_(std::move(other.channel_)) {}

WorkerProcess& WorkerProcess::operator=(WorkerProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    pid_fd_ = std::move(other.pid_fd_);
    channel_ = std::move(other.channel_);
  }
  return *this;
}

WorkerProcess::~WorkerProcess() {
  end();
}

void WorkerProcess::end() {
  if (pid_ <= 0) return;
  kill();
  reap();
}

Result<WorkerProcess> WorkerProcess::start(const WorkerPrograms& programs, uint32_t slot, uint64_t generation, int cpu,
                                           shm::LaneSizes sizes) {
  PAIRLOOM_ASSIGN(auto lane, shm::Lane::create(sizes, slot, generation));
  PAIRLOOM_ASSIGN(auto sockets, shm::make_socket_pair());
  PAIRLOOM_ASSIGN(const Fd lane_fd, raise_fd(lane.fd()));
  PAIRLOOM_ASSIGN(const Fd socket_fd, raise_fd(sockets.worker.get()));
  sockets.worker.reset();  // the last copy of ours closes with socket_fd, or end-of-file would never come
  Fd null_opened(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_opened) return fail_errno("cannot open '/dev/null'", errno);
  PAIRLOOM_ASSIGN(const Fd null_fd, raise_fd(null_opened.get()));

  // Everything the child needs is made here: it must not allocate.
  std::vector<std::string> words = {programs.worker,           "--lane", std::to_string(kLaneFd), "--socket",
                                    std::to_string(kSocketFd), "--cpu",  std::to_string(cpu)};
  for (const std::string& plugin : programs.plugins) words.insert(words.end(), {"--plugin", plugin});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  // Before the fork: it announces that we wait, and a worker that said hello before that would wake nobody.
  auto channel = std::make_unique<shm::SupervisorChannel>(std::move(lane), std::move(sockets.supervisor));

  const pid_t supervisor = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("cannot fork a worker", errno);
  if (pid == 0)
    become_worker(words[0].c_str(), arguments.data(), lane_fd.get(), socket_fd.get(), null_fd.get(), supervisor);

  // The pid cannot be reused before we reap it, so the descriptor is surely this child's.
  Fd pid_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pid_fd) {
    const int errnum = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno("cannot watch a worker (pidfd_open)", errnum);
  }
  return WorkerProcess(pid, std::move(pid_fd), std::move(channel));
}

bool WorkerProcess::has_ended() const {
  pollfd ended{pid_fd_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 1;
}

void WorkerProcess::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

Death WorkerProcess::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) return {true, WTERMSIG(status)};
  return {false, WEXITSTATUS(status)};
}

}  // namespace pairloom::daemon
