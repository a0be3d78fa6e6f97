// A shared object that makes the N-th call of a kind fail in a program it is preloaded into (LD_PRELOAD). What to do is
// in PAIRLOOM_TEST_FAULT: "PROGRAM KIND N ERRNO once|on MARK": in PROGRAM only (its executable's name), the N-th call of
// KIND fails with ERRNO (that one, or that one and all after it), and the first byte of the file MARK becomes '!', so
// that the test knows that it was reached. Runs in: programs under test.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

enum Kind { kMemory, kOpen, kRead, kStat, kWrite, kSync, kSize, kName, kMap, kFork, kExec, kDescriptor, kSocket, kKinds };
constexpr const char* kNames[kKinds] = {"memory", "open", "read", "stat", "write",      "sync",  "size",
                                        "name",   "map",  "fork", "exec", "descriptor", "socket"};

int armed_kind = kKinds;  // none, until the program has started
long countdown = 0;
int error_number = 0;
bool go_on = false;
char* mark = nullptr;  // mapped while files can be opened: a worker is in its sandbox later
bool next_exec_fails = false;
bool says_what_becomes = false;  // the program sets a handler for when memory ends

bool is_this_program(const char* name, size_t size) {
  return std::strlen(program_invocation_short_name) == size && std::memcmp(program_invocation_short_name, name, size) == 0;
}

__attribute__((constructor)) void arm() {
  const char* order = std::getenv("PAIRLOOM_TEST_FAULT");
  char program[64], kind[32], mode[8], path[256];
  if (order == nullptr || std::sscanf(order, "%63s %31s %ld %d %7s %255s", program, kind, &countdown, &error_number, mode,
                                      path) != 6 ||
      !is_this_program(program, std::strlen(program)))
    return;
  const long fd = ::syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  const long at = ::syscall(SYS_mmap, 0L, 1L, long{PROT_READ | PROT_WRITE}, long{MAP_SHARED}, fd, 0L);
  ::syscall(SYS_close, fd);
  if (at < 0 && at > -4096) return;
  mark = reinterpret_cast<char*>(at);
  go_on = std::strcmp(mode, "on") == 0;
  says_what_becomes = std::strcmp(program, "pairloom") == 0;
  for (int k = 0; k < kKinds; ++k)
    if (std::strcmp(kNames[k], kind) == 0) armed_kind = k;
}

bool fails(Kind kind) {
  if (kind != armed_kind) return false;
  if (countdown > 0 && --countdown > 0) return false;
  if (!go_on) armed_kind = kKinds;
  *mark = '!';
  errno = error_number;
  return true;
}

// Before main() nobody can say what happened: what such a program asks for counts from when it can.
bool counts_memory() {
  return !says_what_becomes || std::get_new_handler() != nullptr;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// The real function of that name, looked up once.
#define REAL(name) ([] { static auto* const real = next<decltype(::name)>(#name); return real; }())
// A function that fails by -1, or passes its arguments on.
#define FAILING(kind, type, name, parameters, arguments, exception) \
  type name parameters exception {                                  \
    return fails(kind) ? static_cast<type>(-1) : REAL(name) arguments; \
  }

extern "C" {

void* malloc(size_t size) noexcept {
  return counts_memory() && fails(kMemory) ? nullptr : __libc_malloc(size);
}
void* calloc(size_t count, size_t size) noexcept {
  return fails(kMemory) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) noexcept {
  return fails(kMemory) ? nullptr : __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return fails(kMemory) ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** result, size_t alignment, size_t size) noexcept {
  void* memory = fails(kMemory) ? nullptr : __libc_memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *result = memory;
  return 0;
}

// The mode counts only where a file is made; passing on what happens to lie there otherwise does no harm.
#define FAILING_OPEN(name, first, passed)                                                      \
  int name(first const char* path, int flags, ...) {                                           \
    va_list rest;                                                                              \
    va_start(rest, flags);                                                                     \
    const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0u;       \
    va_end(rest);                                                                              \
    return fails(kOpen) ? -1 : static_cast<int>(::syscall(SYS_openat, passed, path, flags, mode)); \
  }
FAILING_OPEN(open, , AT_FDCWD)
FAILING_OPEN(open64, , AT_FDCWD)
#define COMMA ,
FAILING_OPEN(openat, int directory COMMA, directory)
FAILING_OPEN(openat64, int directory COMMA, directory)

FAILING(kRead, ssize_t, read, (int fd, void* data, size_t size), (fd, data, size), )
FAILING(kRead, ssize_t, pread, (int fd, void* data, size_t size, off_t at), (fd, data, size, at), )
FAILING(kRead, ssize_t, pread64, (int fd, void* data, size_t size, off64_t at), (fd, data, size, at), )

FAILING(kStat, int, stat, (const char* path, struct stat* st), (path, st), noexcept)
FAILING(kStat, int, stat64, (const char* path, struct stat64* st), (path, st), noexcept)
FAILING(kStat, int, lstat, (const char* path, struct stat* st), (path, st), noexcept)
FAILING(kStat, int, lstat64, (const char* path, struct stat64* st), (path, st), noexcept)
FAILING(kStat, int, fstat, (int fd, struct stat* st), (fd, st), noexcept)
FAILING(kStat, int, fstat64, (int fd, struct stat64* st), (fd, st), noexcept)
FAILING(kStat, int, fstatat, (int fd, const char* path, struct stat* st, int flags), (fd, path, st, flags), noexcept)
FAILING(kStat, int, statx, (int fd, const char* path, int flags, unsigned mask, struct statx* st),
        (fd, path, flags, mask, st), noexcept)
FAILING(kStat, int, statfs, (const char* path, struct statfs* st), (path, st), noexcept)
FAILING(kStat, int, fstatfs, (int fd, struct statfs* st), (fd, st), noexcept)

// What is said to the user is no fault to be tried here.
ssize_t write(int fd, const void* data, size_t size) {
  return fd > 2 && fails(kWrite) ? -1 : REAL(write)(fd, data, size);
}
FAILING(kWrite, ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at), )
FAILING(kWrite, ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at), (fd, data, size, at), )

// Nothing is really synced: tests end processes, not machines.
int fsync(int) {
  return fails(kSync) ? -1 : 0;
}
int fdatasync(int) {
  return fails(kSync) ? -1 : 0;
}

FAILING(kSize, int, ftruncate, (int fd, off_t size), (fd, size), noexcept)
FAILING(kSize, int, ftruncate64, (int fd, off64_t size), (fd, size), noexcept)
FAILING(kSize, int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), )
int posix_fallocate(int fd, off_t at, off_t size) {
  return fails(kSize) ? errno : REAL(posix_fallocate)(fd, at, size);
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
  return fails(kSize) ? errno : REAL(posix_fallocate64)(fd, at, size);
}

FAILING(kName, int, rename, (const char* from, const char* to), (from, to), noexcept)
FAILING(kName, int, unlink, (const char* path), (path), noexcept)
FAILING(kName, int, mkdir, (const char* path, mode_t mode), (path, mode), noexcept)

void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t at) noexcept {
  return fails(kMap) ? MAP_FAILED : REAL(mmap)(address, size, protection, flags, fd, at);
}
void* mmap64(void* address, size_t size, int protection, int flags, int fd, off64_t at) noexcept {
  return fails(kMap) ? MAP_FAILED : REAL(mmap64)(address, size, protection, flags, fd, at);
}

// As fork: a child in this memory could not return from here.
pid_t vfork() noexcept {
  if (fails(kFork)) return -1;
  next_exec_fails = fails(kExec);  // counted here: the child's count would be lost with it
  const pid_t pid = REAL(fork)();
  if (pid != 0) next_exec_fails = false;
  return pid;
}
int execve(const char* path, char* const* arguments, char* const* environment) noexcept {
  if (next_exec_fails) return errno = error_number, -1;
  return REAL(execve)(path, arguments, environment);
}

FAILING(kDescriptor, int, memfd_create, (const char* name, unsigned flags), (name, flags), noexcept)
FAILING(kDescriptor, int, socketpair, (int domain, int type, int protocol, int* ends), (domain, type, protocol, ends),
        noexcept)
FAILING(kDescriptor, int, epoll_create1, (int flags), (flags), noexcept)
FAILING(kDescriptor, int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event), noexcept)
FAILING(kDescriptor, int, signalfd, (int fd, const sigset_t* mask, int flags), (fd, mask, flags), noexcept)
FAILING(kDescriptor, int, pipe2, (int* ends, int flags), (ends, flags), noexcept)
// Only duplicates and seals: a lock that fails is a writer too many, which is another test.
#define FAILING_FCNTL(name)                                                                                      \
  int name(int fd, int command, ...) {                                                                           \
    va_list rest;                                                                                                \
    va_start(rest, command);                                                                                     \
    const long argument = va_arg(rest, long);                                                                    \
    va_end(rest);                                                                                                \
    if ((command == F_DUPFD_CLOEXEC || command == F_ADD_SEALS || command == F_GET_SEALS) && fails(kDescriptor)) \
      return -1;                                                                                                 \
    return static_cast<int>(::syscall(SYS_fcntl, fd, command, argument));                                        \
  }
FAILING_FCNTL(fcntl)
FAILING_FCNTL(fcntl64)
// Of the bare system calls these two: the others here have their own names, or no way to fail that matters.
long syscall(long number, ...) noexcept {
  va_list rest;
  va_start(rest, number);
  long a[6];
  for (long& argument : a) argument = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_pidfd_open && fails(kDescriptor)) return -1;
  if (number == SYS_openat2 && fails(kOpen)) return -1;
  return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

FAILING(kSocket, ssize_t, send, (int fd, const void* data, size_t size, int flags), (fd, data, size, flags), )
FAILING(kSocket, ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags), )
FAILING(kSocket, ssize_t, recv, (int fd, void* data, size_t size, int flags), (fd, data, size, flags), )
FAILING(kSocket, ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags), )

}  // extern "C"
