#include "workerproc/system_calls.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <memory>

namespace pairloom::workerproc {
namespace {

// What decoding, extracting and talking to the supervisor need: memory, reading what is open, the sockets, the clock,
// the end. Nothing here names a file, a process or a peer. Measured with strace over every format, ORB and SIFT.
constexpr int kAllowed[] = {
    // reading open files
    SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(close),
    SCMP_SYS(fadvise64),
    // the lane's socket and that of the opener
    SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
    // memory; mmap and mprotect have conditions, below
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    // what the C and C++ libraries do
    SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(restart_syscall),
    // abort()
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    // the end
    SCMP_SYS(exit), SCMP_SYS(exit_group)};

// TBB, by which OpenCV runs what it would run in parallel, and OpenBLAS.
constexpr int kAllowedWithOpenCv[] = {SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity)};

// The canary: asking for the session of a process is answered with an error that the kernel does not know for it.
constexpr int kCanaryCall = SCMP_SYS(getsid);
constexpr int kCanaryError = EXDEV;

bool fill(scmp_filter_ctx filter, bool opencv) {
  // Not the default on all kernels: without it, a filter switches speculative store bypass off and decoding gets slower.
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
  seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);  // is set already
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);  // should a library have started a thread, it is in there too
  bool ok = true;
  const auto allow = [&](int call, auto... conditions) {
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, sizeof...(conditions), conditions...) == 0;
  };
  for (const int call : kAllowed) allow(call);
  if (opencv) {
    for (const int call : kAllowedWithOpenCv) allow(call);
    // OpenBLAS, which cv::findHomography uses, says where its buffer should lie, and goes on without an answer.
    ok = ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mbind), 0) == 0;
  }
  // Memory that is the process's own, or a view of something open; never to be executed, and no memory that is shared
  // but of no file, which the memory limit would not count.
  allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_PRIVATE));
  allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, 0),
        SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE | MAP_ANONYMOUS, MAP_SHARED));
  allow(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  allow(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS));  // is a shared block really frozen?
  allow(SCMP_SYS(write), SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO));  // /dev/null: libraries complain there
  allow(SCMP_SYS(writev), SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO));
  // abort() raises its signal in this process and in no other.
  allow(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  return ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(kCanaryError), kCanaryCall, 0) == 0;
}

}  // namespace

bool restrict_system_calls(bool opencv) {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_KILL_PROCESS), &seccomp_release);
  return filter != nullptr && fill(filter.get(), opencv) && seccomp_load(filter.get()) == 0;
}

bool system_calls_are_restricted() {
  return ::syscall(SYS_getsid, 0) == -1 && errno == kCanaryError;
}

}  // namespace pairloom::workerproc
