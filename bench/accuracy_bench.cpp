// How far codes from reduced pictures are from those of the full picture, for every path through the decoders; prints
// the table of docs/benchmarks.md.
//   accuracy_bench [--every N] [FILE|DIRECTORY...]      without files: pictures drawn here
// JPEGs are taken as they are, at each reduction by force and by the rule of each accuracy; recoded as progressive files
// without loss; and the decoded picture is encoded in every other format that may be decoded at less than full size.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "base/algorithm.h"
#include "tests/fuzz/jpeg_variants.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/area.h"
#include "workerproc/extract/dhash.h"
#include "workerproc/extract/pdq.h"
#include "workerproc/extract/phash.h"

namespace {

namespace fs = std::filesystem;
using namespace pairloom;
using namespace pairloom::workerproc;
using Bytes = std::vector<std::byte>;

constexpr Algorithm kAlgorithms[] = {Algorithm::kPdq, Algorithm::kDhash, Algorithm::kPhash, Algorithm::kPhash256};

struct Codes {
  std::map<Algorithm, Code> of;
  uint32_t reduction = 0, short_side_px = 0;
};

class Hasher {
 public:
  // False: it cannot be decoded.
  bool hash(const Bytes& file, PixelLayout layout, uint32_t min_short_side_px, Codes& codes) {
    DecodeRequest request;
    request.layout = layout;
    request.min_short_side_px = min_short_side_px;
    if (!decode(file, request, picture_)) return false;
    const View view = view_of(picture_);
    codes.reduction = picture_.reduction;
    codes.short_side_px = std::min(picture_.full_width_px, picture_.full_height_px);
    codes.of[Algorithm::kPdq] = pdq_.hash(view).code;
    codes.of[Algorithm::kDhash] = dhash(view, summer_);
    codes.of[Algorithm::kPhash] = phash64(view, summer_);
    codes.of[Algorithm::kPhash256] = phash256(view, summer_);
    return true;
  }
  const Picture& picture() const { return picture_; }

 private:
  Picture picture_;
  AreaSummer summer_;
  PdqHasher pdq_;
};

// Distances by path and algorithm.
class Table {
 public:
  void add(const std::string& path, const Codes& full, const Codes& other) {
    for (const Algorithm algorithm : kAlgorithms)
      distances_[path][algorithm].push_back(hamming_distance(full.of.at(algorithm), other.of.at(algorithm)));
    order_.try_emplace(path, order_.size());
  }
  void print() {
    std::printf("| path | pictures |");
    for (const Algorithm algorithm : kAlgorithms)
      std::printf(" %s |", std::string(info(algorithm).name).c_str());
    std::printf("\n|---|---|---|---|---|---|\n");
    std::vector<std::string> paths(order_.size());
    for (const auto& [path, place] : order_) paths[place] = path;
    for (const std::string& path : paths) {
      std::printf("| %s | %zu |", path.c_str(), distances_[path][kAlgorithms[0]].size());
      for (const Algorithm algorithm : kAlgorithms) {
        auto& values = distances_[path][algorithm];
        std::sort(values.begin(), values.end());
        double sum = 0;
        for (const int value : values) sum += value;
        std::printf(" %.2f / %d / %d |", sum / static_cast<double>(values.size()), values[values.size() * 99 / 100],
                    values.back());
      }
      std::printf("\n");
    }
  }

 private:
  std::map<std::string, std::map<Algorithm, std::vector<int>>> distances_;
  std::map<std::string, size_t> order_;
};

void compare(const std::string& path, const Bytes& file, const Codes& full, uint32_t min_short_side_px,
             uint32_t only_reduction, Hasher& hasher, Table& table) {
  Codes codes;
  if (!hasher.hash(file, PixelLayout::kGray, min_short_side_px, codes)) return;
  if (only_reduction == 0 || codes.reduction == only_reduction) table.add(path, full, codes);
}

// The smallest short side that a picture may have to be reduced by `reduction` and no further.
uint32_t side_for(const Codes& full, uint32_t reduction) {
  return std::max(1u, full.short_side_px / reduction);
}

void measure_jpeg(const Bytes& jpeg, Hasher& hasher, Table& table) {
  Codes full;
  if (!hasher.hash(jpeg, PixelLayout::kBgr, 0, full)) return;
  compare("JPEG, default rule", jpeg, full, 128, 0, hasher, table);
  compare("JPEG, fast rule", jpeg, full, 64, 0, hasher, table);
  compare("JPEG 1/1, luma instead of colours", jpeg, full, 0, 1, hasher, table);
  for (const uint32_t reduction : {2u, 4u, 8u}) {
    const std::string name = "JPEG 1/" + std::to_string(reduction) + (reduction == 8 ? ", DC terms only" : "");
    const uint32_t side = side_for(full, reduction);
    compare(name + ", always", jpeg, full, side, reduction, hasher, table);
    if (side >= 128) compare(name + ", where 128 pixels are left", jpeg, full, side, reduction, hasher, table);
  }
  const Bytes progressive = test::recode_jpeg(jpeg, {.progressive = true});
  compare("progressive JPEG, default rule", progressive, full, 128, 0, hasher, table);
  if (full.short_side_px >= 1024)
    compare("progressive JPEG 1/8, first scans only", progressive, full, 128, 8, hasher, table);
}

void measure_others(const cv::Mat& bgr, Hasher& hasher, Table& table) {
  const auto measure = [&](const char* name, const Bytes& file) {
    Codes full;
    if (hasher.hash(file, PixelLayout::kBgr, 0, full)) compare(name, file, full, 128, 0, hasher, table);
  };
  measure("PNG", test::encode_png(bgr));
  measure("PNG, interlaced", test::encode_png(bgr, {.interlaced = true}));
  measure("WebP, lossy", test::encode_webp(bgr));
  measure("WebP, lossless", test::encode_webp(bgr, {.lossless = true}));
  measure("TIFF, LZW", test::encode_tiff(bgr));
  measure("TIFF, JPEG", test::encode_tiff(bgr, {.compression = test::TiffOptions::Compression::kJpeg}));
  measure("GIF", test::encode_gif(bgr));
  measure("BMP", test::encode_bmp(bgr));
  measure("PPM", test::encode_pnm(bgr, 6));
}

void measure(const Bytes& file, bool others, Hasher& hasher, Table& table) {
  Codes full;
  if (!hasher.hash(file, PixelLayout::kBgr, 0, full) || full.short_side_px < 64) return;
  const Picture& picture = hasher.picture();
  const cv::Mat bgr = cv::Mat(static_cast<int>(picture.height_px), static_cast<int>(picture.width_px), CV_8UC3,
                              const_cast<uint8_t*>(picture.pixels.data()), picture.stride_bytes)
                          .clone();
  if (picture.format == ImageFormat::kJpeg) measure_jpeg(file, hasher, table);
  if (others) measure_others(bgr, hasher, table);
}

std::vector<fs::path> files_of(const std::vector<fs::path>& named) {
  std::vector<fs::path> found;
  for (const fs::path& path : named) {
    if (!fs::is_directory(path)) {
      found.push_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  size_t every = 1;
  std::vector<fs::path> named;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--every") == 0 && i + 1 < argc)
      every = std::max<size_t>(1, std::strtoull(argv[++i], nullptr, 10));
    else
      named.emplace_back(argv[i]);
  }
  Hasher hasher;
  Table table;
  if (named.empty()) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
      const auto side = [&](uint64_t salt) { return static_cast<int>(130 + (seed * salt) % (seed % 4 == 0 ? 1900 : 500)); };
      measure(test::encode_jpeg(test::draw_picture(seed, side(7919), side(104729))), true, hasher, table);
    }
  } else {
    const auto paths = files_of(named);
    for (size_t i = 0; i < paths.size(); i += every) {
      std::ifstream in(paths[i], std::ios::binary);
      const std::vector<char> chars(std::istreambuf_iterator<char>(in), {});
      const auto bytes = std::as_bytes(std::span(chars));
      measure(Bytes(bytes.begin(), bytes.end()), i / every % 10 == 0, hasher, table);
    }
  }
  std::printf("Bits that differ from the code of the full picture: mean / 99th percentile / largest.\n\n");
  table.print();
}
