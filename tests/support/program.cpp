#include "tests/support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/temp_dir.h"

namespace pairloom::test {
namespace {

pid_t start(const std::vector<std::string>& arguments, const std::string& in, const std::string& out,
            const std::string& err) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int in_fd = ::open(in.c_str(), O_RDONLY), out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(in_fd, 0);
  ::dup2(out_fd, 1);
  ::dup2(err_fd, 2);
  for (int fd = 3; fd < 64; ++fd) ::close(fd);
  ::execv(argv[0], argv.data());
  ::_exit(126);
}

int status_of(int raw) {
  return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  try {
    return {std::istreambuf_iterator<char>(file), {}};
  } catch (const std::ios_base::failure&) {  // a process that has just ended: read() says that there is none
    return {};
  }
}

// State letter and parent out of /proc/PID/stat; the name in it may hold anything, so read from its closing bracket.
bool read_stat(const std::string& pid, char& state, pid_t& parent) {
  const std::string stat = content_of("/proc/" + pid + "/stat");
  const size_t end = stat.rfind(')');
  return end != std::string::npos && std::sscanf(stat.c_str() + end + 1, " %c %d", &state, &parent) == 2;
}

template <class Visit>
void each_living_process(Visit visit) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    char state = 0;
    pid_t parent = 0;
    if (name.find_first_not_of("0123456789") != std::string::npos || !read_stat(name, state, parent) || state == 'Z' ||
        state == 'X')
      continue;
    visit(name, parent);
  }
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments, const std::string& input) {
  const TempDir scratch;
  scratch.write("in", input);
  const pid_t pid = start(arguments, scratch / "in", scratch / "out", scratch / "err");
  int raw = 0;
  while (::waitpid(pid, &raw, 0) < 0 && errno == EINTR) {
  }
  return {status_of(raw), content_of(scratch / "out"), content_of(scratch / "err")};
}

Running::Running(const std::vector<std::string>& arguments) {
  pid_ = start(arguments, "/dev/null", "/dev/null", "/dev/null");
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pid_ < 0 || pid_fd_ < 0) throw std::runtime_error("cannot start a program");
}

Running::~Running() {
  if (status_ < 0) {
    kill(SIGKILL);
    wait();
  }
  ::close(pid_fd_);
}

bool Running::ends_within_ms(int ms) {
  pollfd ended{pid_fd_, POLLIN, 0};
  return ::poll(&ended, 1, ms) == 1;
}

int Running::wait() {
  if (status_ >= 0) return status_;
  int raw = 0;
  while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
  return status_ = status_of(raw);
}

void Running::kill(int signal) {
  if (status_ < 0) ::kill(pid_, signal);
}

bool ends_within_ms(pid_t pid, int ms) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd ended{fd, POLLIN, 0};
  const bool gone = ::poll(&ended, 1, ms) == 1;
  ::close(fd);
  return gone;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> found;
  each_living_process([&](const std::string& name, pid_t parent) {
    if (parent == pid) found.push_back(std::atoi(name.c_str()));
  });
  return found;
}

bool kill_a_child(pid_t parent, size_t number) {
  const auto children = children_of(parent);
  return !children.empty() && ::kill(children[number % children.size()], SIGKILL) == 0;
}

bool no_child_stays() {
  for (const pid_t child : children_of(::getpid()))
    if (!ends_within_ms(child, 60'000)) return false;
  pid_t reaped = 0;
  while ((reaped = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
  }
  return reaped < 0 && errno == ECHILD;
}

std::vector<pid_t> processes_from(const std::string& directory) {
  std::vector<pid_t> found;
  each_living_process([&](const std::string& name, pid_t) {
    std::error_code error;
    const std::string program = std::filesystem::read_symlink("/proc/" + name + "/exe", error);
    if (!error && program.starts_with(directory + "/")) found.push_back(std::atoi(name.c_str()));
  });
  return found;
}

}  // namespace pairloom::test
