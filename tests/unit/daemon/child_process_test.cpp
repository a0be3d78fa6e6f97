#include "daemon/child_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <cstdlib>

namespace pairloom::daemon {
namespace {

int status_of_script(const std::string& script) {
  auto child = ChildProcess::start("/bin/sh", {"-c", script}, {});
  EXPECT_TRUE(child) << child.error().message;
  if (!child) return -1;
  pollfd ended{child->pid_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
  const Death death = child->end();
  EXPECT_FALSE(death.by_signal) << death.text();
  return death.code;
}

TEST(ChildProcess, SaysHowItEnded) {
  EXPECT_EQ(status_of_script("exit 0"), 0);
  EXPECT_EQ(status_of_script("exit 7"), 7);
}

// Regression guard: OpenBLAS started a thread in every worker, which no sandbox held.
TEST(ChildProcess, IsToldToStartNoThreadsAndInheritsTheRestOfTheEnvironment) {
  ::setenv("OPENBLAS_NUM_THREADS", "8", 1);
  ::setenv("PAIRLOOM_CHILD_TEST", "inherited", 1);
  EXPECT_EQ(status_of_script("test \"$OPENBLAS_NUM_THREADS/$OMP_NUM_THREADS/$PAIRLOOM_CHILD_TEST\" = 1/1/inherited"), 0);
  ::unsetenv("OPENBLAS_NUM_THREADS");
  ::unsetenv("PAIRLOOM_CHILD_TEST");
}

}  // namespace
}  // namespace pairloom::daemon
