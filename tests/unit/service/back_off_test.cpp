#include "service/back_off.h"

#include <gtest/gtest.h>

#include "service/pressure.h"

namespace pairloom::service {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(BackOff, HoldsForAWhileAfterEachSign) {
  BackOff back_off;
  EXPECT_FALSE(back_off.is_holding(0));
  EXPECT_TRUE(back_off.press(5));
  EXPECT_FALSE(back_off.press(6)) << "the same hold";
  EXPECT_TRUE(back_off.is_holding(5 + BackOff::kHoldNs));
  EXPECT_FALSE(back_off.is_holding(6 + BackOff::kHoldNs));
}

TEST(BackOff, PressureThatGoesOnDoesNotStarve) {
  BackOff back_off;
  int64_t held = 0;
  constexpr int64_t kTime = 1000;
  for (int64_t s = 0; s < kTime; ++s) {
    back_off.press(s * kSecond);
    held += back_off.is_holding(s * kSecond) ? 1 : 0;
  }
  EXPECT_GT(held, kTime * 8 / 10);
  EXPECT_LT(held, kTime * 95 / 100);
}

TEST(BackOff, IsEndedByTheUser) {
  BackOff back_off;
  back_off.press(0);
  back_off.release();
  EXPECT_FALSE(back_off.is_holding(1));
}

TEST(Pressure, FindsTheFileOfItsCgroup) {
  EXPECT_EQ(cgroup_pressure_file("0::/system.slice/pairloomd.service\n", "memory"),
            "/sys/fs/cgroup/system.slice/pairloomd.service/memory.pressure");
  EXPECT_EQ(cgroup_pressure_file("5:cpu:/x\n0::/a/b\n", "cpu"), "/sys/fs/cgroup/a/b/cpu.pressure");
  EXPECT_EQ(cgroup_pressure_file("0::/\n", "io"), "") << "the root's is the machine's";
  EXPECT_EQ(cgroup_pressure_file("5:cpu:/x\n", "io"), "");
}

}  // namespace
}  // namespace pairloom::service
