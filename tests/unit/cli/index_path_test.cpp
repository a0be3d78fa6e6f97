#include "cli/index_path.h"

#include <gtest/gtest.h>
#include <cstdlib>

namespace pairloom::cli {
namespace {

class IndexPath : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"PAIRLOOM_INDEX", "XDG_DATA_HOME"}) ::unsetenv(name);
    ::setenv("HOME", "/home/x", 1);
  }
};

TEST_F(IndexPath, GoesFromTheMostToTheLeastExplicit) {
  EXPECT_EQ(index_path("").value(), "/home/x/.local/share/pairloom/index.db");
  ::setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(index_path("").value(), "/data/pairloom/index.db");
  ::setenv("PAIRLOOM_INDEX", "rel.db", 1);
  EXPECT_EQ(index_path("").value(), "rel.db");
  EXPECT_EQ(index_path("given").value(), "given");
}

TEST_F(IndexPath, ARelativeXdgDirectoryIsIgnored) {
  ::setenv("XDG_DATA_HOME", "data", 1);
  EXPECT_EQ(index_path("").value(), "/home/x/.local/share/pairloom/index.db");
}

TEST_F(IndexPath, WithoutAHomeItMustBeNamed) {
  ::unsetenv("HOME");
  EXPECT_EQ(index_path("").error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace pairloom::cli
