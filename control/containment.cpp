#include "control/containment.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cerrno>
#include <memory>

#include "base/sanitized.h"

namespace pairloom::control {
namespace {

constexpr rlim_t kMaxOpenFiles = 512;

// Nothing here names a file, a process or a peer: sockets are accepted, never made or connected.
constexpr int kAllowed[] = {
    // clients, the supervisor, answers
    SCMP_SYS(accept4), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(getsockopt), SCMP_SYS(shutdown), SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(eventfd2), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(lseek),
    // bodies of requests
    SCMP_SYS(memfd_create),
    // memory; mmap and mprotect have conditions, below
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    // threads; clone has a condition, below
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
    // what the C and C++ libraries do
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn)};

// With these the caller goes on without.
constexpr int kRefused[] = {SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(newfstatat), SCMP_SYS(access)};

bool fill(scmp_filter_ctx filter) {
  seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);  // is set already
  bool ok = true;
  const auto allow = [&](int call, auto... conditions) {
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, sizeof...(conditions), conditions...) == 0;
  };
  const auto refuse = [&](int call, unsigned error) {
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), call, 0) == 0;
  };
  for (const int call : kAllowed) allow(call);
  for (const int call : kRefused) refuse(call, EACCES);
  allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  allow(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  // A thread, never a process. What clone3 is asked for a filter cannot see: without it, threads are made with clone.
  refuse(SCMP_SYS(clone3), ENOSYS);
  allow(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  for (const int command : {F_ADD_SEALS, F_GETFL, F_SETFL, F_GETFD, F_SETFD})
    allow(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
  // The size of a thread's stack; only its own limits can be asked for.
  allow(SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
  // abort() raises its signal in this process and in no other.
  allow(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  return ok;
}

bool restrict_system_calls() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_KILL_PROCESS), &seccomp_release);
  return filter != nullptr && fill(filter.get()) && seccomp_load(filter.get()) == 0;
}

}  // namespace

bool contain() {
  const rlimit none{0, 0}, files{kMaxOpenFiles, kMaxOpenFiles};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_NOFILE, &files);
  const bool settled = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  return settled && (kSanitized || restrict_system_calls());
}

}  // namespace pairloom::control
