#include "cli/npy_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace pairloom::cli {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// As numpy.lib.format describes version 1.0: magic, version, header length, a Python literal padded to 64 bytes.
TEST(NpyFile, IsWhatNumpyDescribes) {
  test::TempDir dir;
  auto file = NpyFile::create(dir / "a.npy", "<i4", 3).value();
  const int32_t rows[] = {1, -2, 3, 4, 5, 6};
  ASSERT_TRUE(file.append(std::as_bytes(std::span(rows)), 2));
  ASSERT_TRUE(file.finish());
  const std::string bytes = contents(dir / "a.npy");
  ASSERT_EQ(bytes.size(), 128 + sizeof rows);
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));  // 118 = 128 - 10
  const std::string header = bytes.substr(10, 118);
  EXPECT_TRUE(header.starts_with("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }  "));
  EXPECT_EQ(header.find_first_not_of(' ', header.find('}') + 1), 117u);
  EXPECT_EQ(header.back(), '\n');
  EXPECT_EQ(bytes.substr(128), std::string(reinterpret_cast<const char*>(rows), sizeof rows));
}

TEST(NpyFile, WithoutColumnsThereIsOneDimension) {
  test::TempDir dir;
  auto file = NpyFile::create(dir / "a.npy", "|u1", std::nullopt).value();
  ASSERT_TRUE(file.append(std::as_bytes(std::span("abc", 3)), 3));
  ASSERT_TRUE(file.finish());
  EXPECT_NE(contents(dir / "a.npy").find("'shape': (3,), "), std::string::npos);
}

TEST(NpyFile, IsAnEmptyArrayUntilItIsFinished) {
  test::TempDir dir;
  auto file = NpyFile::create(dir / "a.npy", "<f8", 2).value();
  ASSERT_TRUE(file.append(std::vector<std::byte>(16 * 100'000), 100'000));
  EXPECT_NE(contents(dir / "a.npy").find("'shape': (0, 2), "), std::string::npos);
}

TEST(NpyFile, SaysWhereItCannotWrite) {
  const auto file = NpyFile::create("/no/such/directory/a.npy", "<f8", 2);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("cannot write '/no/such/directory/a.npy'"), std::string::npos);
}

}  // namespace
}  // namespace pairloom::cli
