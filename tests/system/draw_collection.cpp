// Draws a collection for the tests under systemd: small JPEGs in directories of 50, every fifth a near-duplicate of the
// one before.   usage: draw_collection DIR COUNT

#include <fmt/format.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/draw.h"
#include "tests/support/encode.h"

int main(int argc, char** argv) {
  using namespace pairloom;
  if (argc != 3) return 2;
  const std::filesystem::path directory = argv[1];
  const int count = std::atoi(argv[2]);
  for (int i = 0; i < count; ++i) {
    const bool copy = i % 5 == 4;
    const cv::Mat picture = test::draw_picture(static_cast<uint64_t>(copy ? i - 1 : i), 240, 180);
    const auto bytes = test::encode_jpeg(picture, {.quality = copy ? 60 : 90});
    const auto path = directory / fmt::format("{:02}", i / 50) / fmt::format("{:03}.jpg", i);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) {
      std::fputs(fmt::format("draw_collection: cannot write '{}'\n", path.string()).c_str(), stderr);
      return 1;
    }
  }
  return 0;
}
