// Draws a small image collection that has near-duplicates, and things that must not be taken for any, into a directory.
// What ./run shows without an argument. Files that are already as they should be are left alone, so that a second
// `pairloom scan` finds them unchanged.   usage: make_samples DIR

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;
using test::Bytes;

constexpr int kWidthPx = 640, kHeightPx = 480;
constexpr int kScenesWithEdits = 3;
constexpr int kScenes = 6;  // the rest has no near-duplicate

Bytes jpeg(const cv::Mat& image, int quality = 92) {
  return test::encode_jpeg(image, {.quality = quality});
}

cv::Mat resized(const cv::Mat& image, double factor) {
  cv::Mat out;
  cv::resize(image, out, {}, factor, factor, cv::INTER_AREA);
  return out;
}

// Without the outer `part` of each side.
cv::Mat cropped(const cv::Mat& image, double part) {
  const int x = static_cast<int>(image.cols * part), y = static_cast<int>(image.rows * part);
  return image({x, y, image.cols - 2 * x, image.rows - 2 * y}).clone();
}

cv::Mat brightened(const cv::Mat& image, double by) {
  cv::Mat out;
  image.convertTo(out, -1, 1.0, by);
  return out;
}

cv::Mat mirrored(const cv::Mat& image) {
  cv::Mat out;
  cv::flip(image, out, 1);
  return out;
}

struct Edit {
  const char* file_name;  // after "scene-N"
  std::function<Bytes(const cv::Mat&)> make;
};

const std::vector<Edit>& edits() {
  static const std::vector<Edit> all = {
      {" (copy).jpg", [](const cv::Mat& image) { return jpeg(image); }},
      {" half size.jpg", [](const cv::Mat& image) { return jpeg(resized(image, 0.5)); }},
      {" quality 20.jpg", [](const cv::Mat& image) { return jpeg(image, 20); }},
      {" cropped 1%.jpg", [](const cv::Mat& image) { return jpeg(cropped(image, 0.01)); }},
      {" brighter.jpg", [](const cv::Mat& image) { return jpeg(brightened(image, 30)); }},
      {" mirrored.jpg", [](const cv::Mat& image) { return jpeg(mirrored(image)); }},
      {".png", [](const cv::Mat& image) { return test::encode_png(image); }},
      {".webp", [](const cv::Mat& image) { return test::encode_webp(image); }},
      {".tiff", [](const cv::Mat& image) { return test::encode_tiff(image); }},
  };
  return all;
}

Bytes text(std::string_view words) {
  const auto* bytes = reinterpret_cast<const std::byte*>(words.data());
  return {bytes, bytes + words.size()};
}

Result<bool> holds(const fs::path& path, const Bytes& bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  Bytes there(bytes.size() + 1);
  PAIRLOOM_ASSIGN(const size_t size, read_up_to(fd.get(), there.data(), there.size(), path));
  return size == bytes.size() && std::memcmp(there.data(), bytes.data(), size) == 0;
}

Result<> write_file(const fs::path& path, const Bytes& bytes) {
  PAIRLOOM_ASSIGN(const bool unchanged, holds(path, bytes));
  if (unchanged) return {};
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return fail_errno(fmt::format("cannot write '{}'", path.string()), errno);
  return write_all(fd.get(), bytes.data(), bytes.size(), path);
}

Result<> make_samples(const fs::path& directory) {
  std::error_code error;
  for (const char* folder : {"originals", "edits", "others"}) {
    fs::create_directories(directory / folder, error);
    if (error) return fail_errno(fmt::format("cannot make '{}'", (directory / folder).string()), error.value());
  }

  for (int scene = 1; scene <= kScenes; ++scene) {
    const cv::Mat image = test::draw_picture(static_cast<uint64_t>(scene), kWidthPx, kHeightPx);
    const std::string name = fmt::format("scene-{}", scene);
    PAIRLOOM_TRY(write_file(directory / "originals" / (name + ".jpg"), jpeg(image)));
    if (scene > kScenesWithEdits) continue;
    for (const Edit& edit : edits()) {
      PAIRLOOM_TRY(write_file(directory / "edits" / (name + edit.file_name), edit.make(image)));
    }
  }

  // Two pictures without anything to tell them apart by, a file that is no image whatever its name says, a broken one.
  const fs::path others = directory / "others";
  PAIRLOOM_TRY(write_file(others / "black.jpg", jpeg(cv::Mat::zeros(kHeightPx, kWidthPx, CV_8UC3))));
  PAIRLOOM_TRY(write_file(others / "black.png", test::encode_png(cv::Mat::zeros(kWidthPx, kWidthPx, CV_8UC3))));
  PAIRLOOM_TRY(write_file(others / "notes.jpg", text("No image, whatever its name says.\n")));
  Bytes truncated = jpeg(test::draw_picture(kScenes + 1, kWidthPx, kHeightPx));
  truncated.resize(300);  // ends within the header
  return write_file(others / "truncated.jpg", truncated);
}

}  // namespace
}  // namespace pairloom

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_samples DIR\n", stderr);
    return 2;
  }
  if (auto made = pairloom::make_samples(argv[1]); !made) {
    std::fprintf(stderr, "make_samples: %s\n", made.error().message.c_str());
    return 1;
  }
  return 0;
}
