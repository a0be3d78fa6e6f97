#include "daemon/rotating_disk.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

namespace fs = std::filesystem;

// A /sys as the kernel lays it out: links by number to the directories of disks, and of partitions inside them.
class RotatingDisk : public ::testing::Test {
 protected:
  void add_disk(const std::string& name, const std::string& number, const char* rotational) {
    sys_.write("devices/" + name + "/queue/rotational", rotational);
    link(number, "devices/" + name);
  }
  void add_partition(const std::string& disk, const std::string& name, const std::string& number) {
    sys_.write("devices/" + disk + "/" + name + "/size", "1");
    link(number, "devices/" + disk + "/" + name);
  }
  void link(const std::string& number, const std::string& directory) {
    fs::create_directories(sys_ / "dev/block");
    fs::create_directory_symlink(sys_ / directory, sys_ / ("dev/block/" + number));
  }
  bool ask(unsigned major, unsigned minor) { return is_on_rotating_disk(gnu_dev_makedev(major, minor), sys_.path()); }

  test::TempDir sys_;
};

TEST_F(RotatingDisk, IsWhatTheKernelSaysOfTheDisk) {
  add_disk("sda", "8:0", "1\n");
  add_disk("nvme0n1", "259:0", "0\n");
  EXPECT_TRUE(ask(8, 0));
  EXPECT_FALSE(ask(259, 0));
}

TEST_F(RotatingDisk, APartitionIsOnItsDisk) {
  add_disk("sda", "8:0", "1\n");
  add_partition("sda", "sda3", "8:3");
  add_disk("nvme0n1", "259:0", "0\n");
  add_partition("nvme0n1", "nvme0n1p2", "259:2");
  EXPECT_TRUE(ask(8, 3));
  EXPECT_FALSE(ask(259, 2));
}

TEST_F(RotatingDisk, WhatTheKernelDoesNotKnowDoesNotRotate) {
  EXPECT_FALSE(ask(0, 45));  // a network mount
}

}  // namespace
}  // namespace pairloom::daemon
