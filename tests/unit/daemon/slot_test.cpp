#include "daemon/slot.h"

#include <gtest/gtest.h>

namespace pairloom::daemon {
namespace {

TEST(Slot, ThreeLivesThatEndByThemselvesBeforeTheyDoAnythingAreHopeless) {
  Slot slot(0, -1, 0);
  for (int life = 1; life <= 3; ++life) {
    EXPECT_FALSE(slot.is_hopeless());
    slot.plan_restart(false, false, 0);
  }
  EXPECT_TRUE(slot.is_hopeless());
}

// A storm of kills that hit workers while they started used to end the run: three of them were taken for a worker
// that cannot start.
TEST(Slot, KillsBeforeAFirstResultAreForgivenForLong) {
  Slot slot(0, -1, 0);
  for (int life = 1; life <= 20; ++life) slot.plan_restart(false, true, 0);
  EXPECT_FALSE(slot.is_hopeless());
  for (int life = 21; life <= 60; ++life) slot.plan_restart(false, true, 0);
  EXPECT_TRUE(slot.is_hopeless());
}

// With a pause of a minute after each, sixty kills would take an hour.
TEST(Slot, FiveMinutesWithoutAnythingDoneAreHopelessWhateverEndedTheLives) {
  Slot slot(0, -1, 0);
  int64_t now = 1;
  for (int life = 1; life <= 5; ++life, now += kMaxBackoffNs) slot.plan_restart(false, true, now);
  EXPECT_FALSE(slot.is_hopeless());
  slot.plan_restart(false, true, now + 1);
  EXPECT_TRUE(slot.is_hopeless());
}

TEST(Slot, APauseDoublesUntilALifeHasDoneSomething) {
  Slot slot(0, -1, 0);
  slot.plan_restart(false, false, 5);
  EXPECT_EQ(slot.restart_at_ns, 5 + kFirstBackoffNs);
  slot.plan_restart(false, true, 5);
  EXPECT_EQ(slot.restart_at_ns, 5 + 2 * kFirstBackoffNs);
  for (int life = 0; life < 20; ++life) slot.plan_restart(false, true, 5);
  EXPECT_EQ(slot.restart_at_ns, 5 + kMaxBackoffNs);
  slot.useful = true;
  slot.plan_restart(false, false, 5);
  EXPECT_EQ(slot.restart_at_ns, 5);
  EXPECT_EQ(slot.start_points, 0u);
}

}  // namespace
}  // namespace pairloom::daemon
