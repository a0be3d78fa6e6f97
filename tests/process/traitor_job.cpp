// A decoder that has been taken over by the file it decodes: the indexing job of a worker that is the real one in all
// else, sandbox included. A file that begins like a JPEG and goes on with "do:" and a misdeed makes it try that; each is
// done by bare system calls, as injected code would. Other files are indexed honestly. Runs in: tests.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "workerproc/extract/extract.h"
#include "workerproc/file_reader.h"
#include "workerproc/worker_program.h"

namespace pairloom::workerproc {
namespace {

constexpr std::string_view kOrder =
    "\xFF\xD8\xFF"
    "do:";

// `argument`: what stands behind the order's first word, a path or a port.
using Misdeed = void (*)(const std::string& argument, TaskContext& context);

void open_a_file(const std::string& path, TaskContext&) {
  ::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY);
}

void create_a_file(const std::string& path, TaskContext&) {
  ::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT, 0600);
}

void remove_a_file(const std::string& path, TaskContext&) {
  ::syscall(SYS_unlinkat, AT_FDCWD, path.c_str(), 0);
}

void connect_somewhere(const std::string& port, TaskContext&) {
  const auto fd = static_cast<int>(::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port.c_str())));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::syscall(SYS_connect, fd, &address, sizeof address);
}

void fork_a_child(const std::string&, TaskContext&) {
  if (::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) ::_exit(0);
}

void start_a_program(const std::string& path, TaskContext&) {
  const std::string script = "touch '" + path + "'";
  const char* arguments[] = {"/bin/sh", "-c", script.c_str(), nullptr};
  const char* environment[] = {nullptr};
  ::syscall(SYS_execve, "/bin/sh", arguments, environment);
}

void trace_the_parent(const std::string&, TaskContext&) {
  ::syscall(SYS_ptrace, PTRACE_SEIZE, ::getpid() - 1, 0, 0);
}

// Signal 0 harms nobody, should it go through.
void signal_another(const std::string&, TaskContext&) {
  ::syscall(SYS_kill, ::getpid() - 1, 0);
}

void run_code_of_its_own(const std::string&, TaskContext&) {
  ::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void hide_from_the_memory_limit(const std::string&, TaskContext&) {
  ::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void raise_its_limits(const std::string&, TaskContext&) {
  rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  ::syscall(SYS_prlimit64, 0, RLIMIT_DATA, &unlimited, nullptr);
}

void write_through_its_descriptors(const std::string&, TaskContext&) {
  for (int fd = 3; fd < 64; ++fd) ::syscall(SYS_write, fd, "x", 1);
}

void live_for_ever(const std::string&, TaskContext& context) {
  while (true) context.report_progress();
}

// Not the way out, but an attack on all others: it is refused, and the worker goes on.
void eat_all_memory(const std::string&, TaskContext&) {
  std::vector<std::vector<char>> eaten;
  while (eaten.size() < 64) eaten.emplace_back(16u << 20, 'x');
}

const std::map<std::string_view, Misdeed>& misdeeds() {
  static const std::map<std::string_view, Misdeed> all = {
      {"open", open_a_file},
      {"create", create_a_file},
      {"remove", remove_a_file},
      {"connect", connect_somewhere},
      {"fork", fork_a_child},
      {"exec", start_a_program},
      {"ptrace", trace_the_parent},
      {"signal", signal_another},
      {"code", run_code_of_its_own},
      {"hide", hide_from_the_memory_limit},
      {"limits", raise_its_limits},
      {"write", write_through_its_descriptors},
      {"live", live_for_ever},
      {"eat", eat_all_memory},
  };
  return all;
}

class Traitor final : public WorkerJob {
 public:
  explicit Traitor(const jobs::IndexSetup& setup) : reader_(setup.limits.max_file_bytes), extractor_(setup) {}

  Result<> run(const shm::TaskView&, TaskContext& context) override {
    PAIRLOOM_ASSIGN(const FileContents file, reader_.read(context));
    jobs::IndexResult result;
    const std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
    if (text.starts_with(kOrder)) {
      try {
        obey(text.substr(kOrder.size()), context);
        result.outcome = Outcome::kUnsupported;
        result.message = "it went through";
      } catch (const std::bad_alloc&) {
        result.outcome = Outcome::kTooLarge;
        result.message = "not enough memory";
      }
    } else {
      uint64_t stage_ns[8] = {};
      result = extractor_.extract(file.bytes, stage_ns);
    }
    result.identity = file.identity;
    return context.send(jobs::encode(result), true);
  }

 private:
  static void obey(std::string_view order, TaskContext& context) {
    const size_t space = order.find(' ');
    const auto misdeed = misdeeds().find(order.substr(0, space));
    if (misdeed == misdeeds().end()) std::abort();
    misdeed->second(space == std::string_view::npos ? "" : std::string(order.substr(space + 1)), context);
  }

  FileReader reader_;
  Extractor extractor_;
};

Result<std::unique_ptr<WorkerJob>> make_traitor(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::IndexSetup decoded, jobs::decode_index_setup(setup));
  return std::make_unique<Traitor>(decoded);
}

}  // namespace
}  // namespace pairloom::workerproc

int main(int argc, char** argv) {
  using namespace pairloom;
  using namespace pairloom::workerproc;
  static constexpr JobMaker kJobs[] = {{jobs::JobKind::kIndex, make_traitor}, {jobs::JobKind::kPair, make_pair_job}};
  return run_worker({jobs::WorkerKind::kPlain, kJobs}, argc, argv);
}
