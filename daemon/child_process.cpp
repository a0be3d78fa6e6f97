#include "daemon/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace pairloom::daemon {
namespace {

// A killed process is gone within milliseconds, unless it frees gigabytes or hangs in the kernel.
constexpr int kPatienceMs = 1000;

// Those that did not end in that time.
std::vector<pid_t>& left_behind() {
  static std::vector<pid_t> pids;
  return pids;
}

void reap_left_behind() {
  std::erase_if(left_behind(), [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

// What the child needs between fork and exec, made before: it is in our memory until then.
struct Birth {
  const char* program;
  char* const* arguments;
  char* const* environment;
  std::span<const Fd> descriptors;  // all above those they become
  int input, output, error;         // likewise; error -1: stays
  pid_t parent;
};

// The child between fork and exec: async-signal-safe calls only, and no variable of anybody else is touched. Never returns.
[[noreturn]] void become(const Birth& birth) {
  // Dies with its parent even if that is SIGKILLed; the check closes the gap before prctl took effect.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != birth.parent) ::_exit(127);
  // The supervisor blocks signals and reads them from a descriptor; a child must not inherit that. Ctrl-C goes to the
  // whole terminal group: the supervisor alone decides what it means.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGINT, SIG_IGN);
  // dup2 clears close-on-exec.
  if (::dup2(birth.input, STDIN_FILENO) < 0 || ::dup2(birth.output, STDOUT_FILENO) < 0) ::_exit(127);
  if (birth.error >= 0 && ::dup2(birth.error, STDERR_FILENO) < 0) ::_exit(127);
  int number = ChildProcess::kFirstFd;
  for (const Fd& descriptor : birth.descriptors)
    if (::dup2(descriptor.get(), number++) < 0) ::_exit(127);
  ::execve(birth.program, birth.arguments, birth.environment);
  ::_exit(127);
}

// Ours, and no threads: OpenBLAS, which OpenCV is linked with on some systems, starts one per core when it is loaded.
// They would spin for a while in every worker, and a sandbox is entered by one thread.
std::vector<char*> environment_of_child() {
  static char openblas[] = "OPENBLAS_NUM_THREADS=1", openmp[] = "OMP_NUM_THREADS=1";
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("OPENBLAS_NUM_THREADS=") && !text.starts_with("OMP_NUM_THREADS=")) variables.push_back(*variable);
  }
  variables.insert(variables.end(), {openblas, openmp, nullptr});
  return variables;
}

// A duplicate numbered above what the child's descriptors become, so that no dup2 overwrites another's source.
Result<Fd> raise_fd(int fd, size_t descriptors) {
  Fd raised(::fcntl(fd, F_DUPFD_CLOEXEC, ChildProcess::kFirstFd + static_cast<int>(descriptors)));
  if (!raised) return fail_errno("cannot duplicate a descriptor", errno);
  return raised;
}

}  // namespace

std::string Death::text() const {
  if (of_opener) {
    Death death = *this;
    death.of_opener = false;
    return "its opener: " + death.text();
  }
  if (abandoned) return "it hangs in a system call and cannot be killed (a device or a network mount does not answer)";
  if (by_signal) return fmt::format("killed by signal {} ({})", code, ::strsignal(code));
  if (code == 127) return "its program could not be executed";
  return fmt::format("exited with status {}", code);
}

ChildProcess::ChildProcess(pid_t pid, Fd pid_fd) : pid_(pid), pid_fd_(std::move(pid_fd)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pid_fd_(std::move(other.pid_fd_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    pid_fd_ = std::move(other.pid_fd_);
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  end();
}

Result<ChildProcess> ChildProcess::start(const std::string& program, const std::vector<std::string>& arguments,
                                         std::span<const int> descriptors, const Standard& standard) {
  reap_left_behind();
  Fd null_opened(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_opened) return fail_errno("cannot open '/dev/null'", errno);
  const auto raise_standard = [&](int fd) { return raise_fd(fd < 0 ? null_opened.get() : fd, descriptors.size()); };
  PAIRLOOM_ASSIGN(const Fd input, raise_standard(standard.input));
  PAIRLOOM_ASSIGN(const Fd output, raise_standard(standard.output));
  PAIRLOOM_ASSIGN(const Fd error, raise_standard(standard.error));
  std::vector<Fd> raised;
  for (const int descriptor : descriptors) {
    PAIRLOOM_ASSIGN(Fd fd, raise_fd(descriptor, descriptors.size()));
    raised.push_back(std::move(fd));
  }
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);

  const std::vector<char*> environment = environment_of_child();
  const Birth birth{program.c_str(), words.data(), environment.data(), raised,
                    input.get(),     output.get(), standard.error < 0 ? -1 : error.get(),
                    ::getpid()};
  // vfork: no page of ours is copied, nor written again afterwards, and this thread stands still until the child has its own
  // memory. Signals do not disturb that: no program of ours has a handler.
  const pid_t pid = ::vfork();
  if (pid < 0) return fail_errno("cannot fork a worker", errno);
  if (pid == 0) become(birth);

  // The pid cannot be reused before we reap it, so the descriptor is surely this child's.
  Fd pid_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pid_fd) {
    const int errnum = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno("cannot watch a worker (pidfd_open)", errnum);
  }
  return ChildProcess(pid, std::move(pid_fd));
}

bool ChildProcess::has_ended() const {
  pollfd ended{pid_fd_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 1;
}

void ChildProcess::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

Death ChildProcess::end() {
  if (pid_ <= 0) return {};
  kill();
  const pid_t pid = std::exchange(pid_, -1);
  pollfd ended{pid_fd_.get(), POLLIN, 0};
  while (::poll(&ended, 1, kPatienceMs) < 0 && errno == EINTR) {
  }
  int status = 0;
  pid_t reaped = 0;
  while ((reaped = ::waitpid(pid, &status, WNOHANG)) < 0 && errno == EINTR) {
  }
  if (reaped != pid) {
    left_behind().push_back(pid);
    return {.by_signal = true, .code = SIGKILL, .abandoned = true};
  }
  if (WIFSIGNALED(status)) return {.by_signal = true, .code = WTERMSIG(status)};
  return {.by_signal = false, .code = WEXITSTATUS(status)};
}

}  // namespace pairloom::daemon
