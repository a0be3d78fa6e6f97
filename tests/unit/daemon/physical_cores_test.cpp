#include <gtest/gtest.h>
#include <sched.h>

#include <set>

#include "daemon/index_run.h"

namespace pairloom::daemon {
namespace {

TEST(PhysicalCores, AreDistinctAndWithinTheLogicalOnes) {
  const PhysicalCores cores = usable_physical_cores();
  ASSERT_GE(cores.cpus.size(), 1u);
  EXPECT_LE(static_cast<int>(cores.cpus.size()), cores.logical);
  std::set<int> distinct;
  for (const int cpu : cores.cpus)
    if (cpu >= 0) {
      EXPECT_TRUE(distinct.insert(cpu).second) << cpu;
    }
}

TEST(PhysicalCores, KeepWithinTheAffinityOfThisProcess) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  size_t cpu = 0;
  while (!CPU_ISSET(cpu, &before)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  const PhysicalCores cores = usable_physical_cores();
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(cores.cpus.size(), 1u);
  EXPECT_EQ(cores.logical, 1);
}

}  // namespace
}  // namespace pairloom::daemon
