// A tree that does not hold still while it is indexed: files that are written to, directories that turn into symbolic
// links to somewhere else and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/index_contents.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Does something again and again until it is told to stop.
class Restless {
 public:
  explicit Restless(std::function<void()> work) : thread_([this, work = std::move(work)] {
      while (!stop_) work();
    }) {}
  Restless(const Restless&) = delete;
  ~Restless() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class RestlessTree : public ::testing::Test {
 protected:
  static test::Bytes jpeg(uint64_t seed, int width = 320) { return test::encode_jpeg(test::draw_picture(seed, width, width)); }
  void write(const std::string& name, const test::Bytes& bytes) const {
    dir_.write(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  test::Finished add(const std::string& index = "i.db") const {
    return test::run_program({PAIRLOOM_PROGRAM, "--index", dir_ / index, "--jobs", "2", "index", "add", dir_ / "p"});
  }
  std::string at(const std::string& name) const { return dir_ / ("p/" + name); }

  test::TempDir dir_;
};

TEST_F(RestlessTree, FilesThatAreWrittenToAreTakenWhenTheyHaveSettled) {
  constexpr int kFiles = 20;
  for (int i = 0; i < kFiles; ++i) write("p/" + std::to_string(i) + ".jpg", jpeg(static_cast<uint64_t>(i), 1200));
  {
    int next = 0;
    const Restless writer([&] { std::ofstream(at(std::to_string(next++ % kFiles) + ".jpg"), std::ios::app) << '\0'; });
    for (int run = 0; run < 3; ++run) {
      const auto finished = add();
      EXPECT_THAT(finished.status, AnyOf(0, 3)) << finished.err;
      for (const auto& [path, what] : test::contents_of(dir_ / "i.db").files)
        EXPECT_THAT(what, AnyOf(StartsWith("indexed"), StartsWith("changed"))) << path;
    }
  }
  const auto settled = add();
  EXPECT_EQ(settled.status, 0) << settled.err;
  const auto contents = test::contents_of(dir_ / "i.db");
  EXPECT_EQ(contents.files.size(), static_cast<size_t>(kFiles));
  for (const auto& [path, what] : contents.files) EXPECT_THAT(what, StartsWith("indexed")) << path;
  EXPECT_EQ(test::problems_of(dir_ / "i.db"), "");
  EXPECT_THAT(add().err, HasSubstr("20 unchanged"));
}

// A directory of the tree and a symbolic link to a directory outside of it take each other's place all the time. Links are
// not followed: whatever the moment, nothing that lies outside gets into the index.
TEST_F(RestlessTree, NothingIsReadThroughALinkThatTookTheOtherPlace) {
  for (int i = 0; i < 30; ++i) {
    write("p/a/" + std::to_string(i) + ".jpg", jpeg(1));
    write("secret/" + std::to_string(i) + ".jpg", jpeg(2));
  }
  ASSERT_EQ(test::run_program({PAIRLOOM_PROGRAM, "--index", dir_ / "s.db", "index", "add", dir_ / "secret"}).status, 0);
  // "indexed DIGEST .." of the one picture that must not be seen.
  const std::string secret = test::contents_of(dir_ / "s.db").files.begin()->second;
  ASSERT_THAT(secret, StartsWith("indexed "));
  {
    const Restless swapper([&] {
      static_cast<void>(::rename(at("a").c_str(), at("b").c_str()));
      [[maybe_unused]] const int linked = ::symlink((dir_ / "secret").c_str(), at("a").c_str());
      static_cast<void>(::unlink(at("a").c_str()));
      static_cast<void>(::rename(at("b").c_str(), at("a").c_str()));
    });
    for (int run = 0; run < 15; ++run) {
      const std::string index = std::to_string(run) + ".db";  // a new one: everything is read anew
      const auto finished = add(index);
      ASSERT_THAT(finished.status, AnyOf(0, 3)) << finished.err;
      for (const auto& [path, what] : test::contents_of(dir_ / index).files) EXPECT_THAT(what, Not(secret)) << path;
    }
  }
  EXPECT_EQ(add().status, 0);
  EXPECT_EQ(test::contents_of(dir_ / "i.db").files.size(), 30u);
  EXPECT_EQ(test::problems_of(dir_ / "i.db"), "");
}

}  // namespace
}  // namespace pairloom
