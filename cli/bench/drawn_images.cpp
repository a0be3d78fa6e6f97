#include "cli/bench/drawn_images.h"

#include <fmt/format.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace pairloom::cli {
namespace {

constexpr double kSpotRadiusPx = 6;
constexpr uint32_t kPixelsPerSpot = 700;

// A hash of a place and a seed.
uint32_t grain_at(uint32_t x, uint32_t y, uint32_t seed) {
  uint32_t h = (x * 73856093u) ^ (y * 19349663u) ^ (seed * 83492791u);
  h = (h ^ (h >> 13)) * 0x5bd1e995u;
  return h ^ (h >> 15);
}

void add_spots(std::vector<float>& light, uint32_t side, uint32_t seed) {
  const uint32_t spots = side * side / kPixelsPerSpot;
  const auto reach = static_cast<int>(kSpotRadiusPx) + 1;
  for (uint32_t i = 0; i < spots; ++i) {
    const double x = grain_at(i, 1, seed) % (16 * side) / 16.0, y = grain_at(i, 2, seed) % (16 * side) / 16.0;
    const double peak = 40 + grain_at(i, 3, seed) % 80;
    const int cx = static_cast<int>(x), cy = static_cast<int>(y), last = static_cast<int>(side) - 1;
    for (int py = std::max(0, cy - reach); py <= std::min(last, cy + reach); ++py)
      for (int px = std::max(0, cx - reach); px <= std::min(last, cx + reach); ++px) {
        const double part = 1 - ((px - x) * (px - x) + (py - y) * (py - y)) / (kSpotRadiusPx * kSpotRadiusPx);
        if (part > 0)
          light[static_cast<size_t>(py) * side + static_cast<size_t>(px)] += static_cast<float>(peak * part * part);
      }
  }
}

}  // namespace

std::string draw_ppm(uint32_t side, uint32_t seed) {
  std::vector<float> light(size_t{side} * side);
  for (uint32_t y = 0; y < side; ++y)
    for (uint32_t x = 0; x < side; ++x)
      light[size_t{y} * side + x] = 40 + 50 * static_cast<float>(x + 2 * y) / static_cast<float>(3 * side) +
                                    static_cast<float>(grain_at(x, y, seed) % 10);
  add_spots(light, side, seed);
  std::string file = fmt::format("P6\n{} {}\n255\n", side, side);
  file.reserve(file.size() + 3 * light.size());
  for (const float value : light) {
    const float level = std::min(value, 230.0f);
    for (const float tint : {1.0f, 0.9f, 0.8f}) file += static_cast<char>(static_cast<unsigned char>(level * tint));
  }
  return file;
}

Result<ScratchDirectory> ScratchDirectory::create() {
  const char* where = std::getenv("TMPDIR");
  std::string pattern = fmt::format("{}/pairloom-bench-XXXXXX", where != nullptr && *where != 0 ? where : "/tmp");
  if (::mkdtemp(pattern.data()) == nullptr)
    return fail_errno(fmt::format("cannot make a directory for the pictures, '{}'", pattern), errno);
  return ScratchDirectory(std::filesystem::canonical(pattern).string());
}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<std::string> ScratchDirectory::write(const std::string& name, const std::string& bytes) const {
  const std::string path = path_ + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) return fail(Errc::kIo, fmt::format("cannot write '{}': is the disk full?", path));
  return path;
}

Result<std::vector<std::string>> draw_pictures(const ScratchDirectory& scratch, uint32_t side_px, uint32_t count) {
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < count; ++i) {
    PAIRLOOM_ASSIGN(auto path, scratch.write(fmt::format("{}-{}.ppm", side_px, i), draw_ppm(side_px, i + 1)));
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace pairloom::cli
