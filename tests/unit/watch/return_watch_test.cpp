#include "watch/return_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace pairloom::watch {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReturnWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = ReturnWatch::create();
    ASSERT_TRUE(made) << made.error().message;
    watch_.emplace(std::move(*made));
  }
  test::TempDir at_;
  std::optional<ReturnWatch> watch_;
};

TEST_F(ReturnWatchTest, TellsOfTheNextPartOfThePathOnly) {
  const std::string path = at_ / "a/b";
  watch_->wait_for(path);
  fs::create_directory(at_ / "other");
  EXPECT_THAT(watch_->candidates(), IsEmpty());
  fs::create_directory(at_ / "a");
  EXPECT_THAT(watch_->candidates(), ElementsAre(path));
  fs::create_directory(at_ / "a/b");
  EXPECT_THAT(watch_->candidates(), IsEmpty()) << "not waited for any more";
}

TEST_F(ReturnWatchTest, ADirectoryThatIsThereIsWatchedForWhatComesIntoIt) {
  const std::string path = at_ / "a";
  fs::create_directory(path);
  watch_->wait_for(path);
  at_.write("a/x", "x");
  EXPECT_THAT(watch_->candidates(), ElementsAre(path));
}

TEST_F(ReturnWatchTest, ARenameIntoPlaceIsAReturn) {
  const std::string path = at_ / "a";
  fs::create_directory(at_ / "b");
  watch_->wait_for(path);
  fs::rename(at_ / "b", path);
  EXPECT_THAT(watch_->candidates(), ElementsAre(path));
}

TEST_F(ReturnWatchTest, WhatIsForgottenIsNotTold) {
  watch_->wait_for(at_ / "a");
  watch_->forget_all();
  fs::create_directory(at_ / "a");
  EXPECT_THAT(watch_->candidates(), IsEmpty());
}

}  // namespace
}  // namespace pairloom::watch
