#include "index/side_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <semaphore>
#include <thread>

namespace pairloom::index {
namespace {

TEST(SideThread, WorksWhileItsOwnerDoes) {
  SideThread side;
  EXPECT_FALSE(side.has_job());
  EXPECT_TRUE(side.take_result()) << "nothing is no failure";
  std::binary_semaphore go(0);
  bool was_side = false;
  side.begin([&]() -> Result<> {
    go.acquire();
    was_side = side.is_this_thread();
    return {};
  });
  EXPECT_TRUE(side.has_job());
  EXPECT_TRUE(side.is_busy());
  EXPECT_FALSE(side.is_this_thread());
  go.release();
  EXPECT_TRUE(side.take_result());
  EXPECT_TRUE(was_side);
  EXPECT_FALSE(side.has_job());
  EXPECT_FALSE(side.is_busy());
}

TEST(SideThread, SaysHowAJobWentUntilItsResultIsTaken) {
  SideThread side;
  for (int round = 0; round < 2; ++round) {
    side.begin([]() -> Result<> { return fail(Errc::kIo, "no"); });
    for (int i = 0; i < 2; ++i) {
      const auto result = side.result();
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().message, "no");
      EXPECT_TRUE(side.has_job());
    }
    EXPECT_FALSE(side.take_result());
    EXPECT_TRUE(side.result());
    side.begin([]() -> Result<> { return {}; });
    EXPECT_TRUE(side.take_result());
  }
}

TEST(SideThread, EndsWithItsJobDone) {
  std::atomic<int> done = 0;
  for (int i = 0; i < 100; ++i) {
    SideThread side;
    side.begin([&]() -> Result<> {
      ++done;
      return {};
    });
  }
  EXPECT_EQ(done, 100);
}

TEST(SideThread, WithoutAThreadTheJobIsDoneAtOnce) {
  pthread_attr_t usual, too_large;
  ASSERT_EQ(::pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(::pthread_getattr_default_np(&too_large), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&too_large, size_t{1} << 47), 0);  // all the address space there is
  ASSERT_EQ(::pthread_setattr_default_np(&too_large), 0);
  SideThread side;
  bool done_here = false;
  const auto owner = std::this_thread::get_id();
  side.begin([&]() -> Result<> {
    done_here = std::this_thread::get_id() == owner;
    return fail(Errc::kIo, "no");
  });
  ::pthread_setattr_default_np(&usual);
  EXPECT_TRUE(done_here);
  EXPECT_FALSE(side.is_busy());
  EXPECT_TRUE(side.has_job());
  EXPECT_FALSE(side.take_result());
  EXPECT_FALSE(side.has_job());
  side.begin([]() -> Result<> { return {}; });  // now there is one
  EXPECT_TRUE(side.take_result());
}

TEST(SideThread, LeavesSignalsToItsOwner) {
  SideThread side;
  bool blocked = false;
  side.begin([&]() -> Result<> {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = ::sigismember(&mask, SIGTERM) == 1 && ::sigismember(&mask, SIGUSR1) == 1;
    return {};
  });
  ASSERT_TRUE(side.take_result());
  EXPECT_TRUE(blocked);
  sigset_t own;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(::sigismember(&own, SIGUSR1), 0);
}

}  // namespace
}  // namespace pairloom::index
