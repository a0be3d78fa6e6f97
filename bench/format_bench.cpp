// What reduced decoding costs in accuracy and gains in time, for every format: pictures are encoded in memory, decoded
// as for the index and in full, and their PDQ codes compared. A table for docs/benchmarks.md on standard output.
// usage: format_bench [--size WxH] [--drawn N] [--only FORMAT] [FILE...]     FILEs are put together to mosaics of that size
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/extract.h"

namespace {

using namespace pairloom;
using test::Bytes;

struct Variant {
  std::string name;
  std::function<Bytes(const cv::Mat&)> encode;
};

std::vector<Variant> variants() {
  using namespace test;
  return {
      {"JPEG", [](const cv::Mat& m) { return encode_jpeg(m); }},
      {"JPEG progressive", [](const cv::Mat& m) { return encode_jpeg(m, {.progressive = true}); }},
      {"PNG", [](const cv::Mat& m) { return encode_png(m); }},
      {"PNG interlaced", [](const cv::Mat& m) { return encode_png(m, {.interlaced = true}); }},
      {"WebP", [](const cv::Mat& m) { return encode_webp(m); }},
      {"WebP lossless", [](const cv::Mat& m) { return encode_webp(m, {.lossless = true}); }},
      {"TIFF LZW", [](const cv::Mat& m) { return encode_tiff(m); }},
      {"TIFF JPEG", [](const cv::Mat& m) { return encode_tiff(m, {.compression = TiffOptions::Compression::kJpeg}); }},
      {"GIF", [](const cv::Mat& m) { return encode_gif(m); }},
      {"BMP", [](const cv::Mat& m) { return encode_bmp(m); }},
      {"PNM", [](const cv::Mat& m) { return encode_pnm(m, 6); }},
      {"HEIC", [](const cv::Mat& m) { return encode_heif(m, {.quality = 70}); }},
      {"HEIC 3x3 tiles", [](const cv::Mat& m) { return encode_heif(m, {.quality = 70, .columns = 3, .rows = 3}); }},
      {"AVIF", [](const cv::Mat& m) { return encode_heif(m, {.av1 = true, .quality = 70}); }},
      {"JPEG XL", [](const cv::Mat& m) { return encode_jxl(m); }},
      {"JPEG XL lossless", [](const cv::Mat& m) { return encode_jxl(m, {.lossless = true}); }},
      {"JPEG 2000", [](const cv::Mat& m) { return encode_jp2(m, {.lossless = false}); }},
      {"JPEG 2000 lossless", [](const cv::Mat& m) { return encode_jp2(m); }},
      {"DNG with preview", [](const cv::Mat& m) {
         return encode_dng(m, {.preview_width = m.cols / 2, .preview_height = m.rows / 2});
       }},
      {"DNG without preview", [](const cv::Mat& m) { return encode_dng(m); }},
      {"PSD", [](const cv::Mat& m) { return encode_psd(m); }},
      {"ICO (PNG)", [](const cv::Mat& m) { return encode_ico(m, {.png = true}); }},
  };
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Code pdq_of(const Bytes& file, Accuracy accuracy) {
  workerproc::Extractor extractor({.algorithms = set_of(Algorithm::kPdq), .accuracy = accuracy});
  uint64_t stage_ns[8] = {};
  const jobs::IndexResult result = extractor.extract(file, stage_ns);
  if (result.codes.empty()) {
    fmt::print(stderr, "format_bench: {}\n", result.message);
    std::exit(1);
  }
  return result.codes.front().code;
}

int distance(const Code& a, const Code& b) {
  int bits = 0;
  for (size_t i = 0; i < std::size(a.words); ++i) bits += __builtin_popcountll(a.words[i] ^ b.words[i]);
  return bits;
}

struct Row {
  std::vector<int> distances;
  std::vector<double> full_s, default_s;
};

// Full: colours, every pixel, as the library decodes by itself. Interleaved with the other, so that both see the same
// machine.
void measure(const Bytes& file, Row& row) {
  static workerproc::Picture picture;
  const workerproc::DecodeRequest full{.layout = workerproc::PixelLayout::kBgr, .min_short_side_px = 0};
  row.full_s.push_back(seconds_of([&] { (void)workerproc::decode(file, full, picture); }));
  row.default_s.push_back(seconds_of([&] { (void)workerproc::decode(file, {}, picture); }));
  row.distances.push_back(distance(pdq_of(file, Accuracy::kDefault), pdq_of(file, Accuracy::kFull)));
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void print(const std::string& name, Row row) {
  std::sort(row.distances.begin(), row.distances.end());
  double sum = 0;
  for (const int bits : row.distances) sum += bits;
  const size_t count = row.distances.size();
  const double full = median(row.full_s), fast = median(row.default_s);
  fmt::print("| {} | {} | {:.1f} | {} | {} | {:.4g} | {:.4g} | {:.1f} |\n", name, count,
             sum / static_cast<double>(count), row.distances[(count * 99 + 99) / 100 - 1], row.distances.back(),
             1 / full, 1 / fast, full / fast);
  std::fflush(stdout);
}

// A mosaic of the files, from number `first` on, each cut to the shape of its place.
cv::Mat mosaic(const std::vector<cv::Mat>& pictures, size_t first, cv::Size size) {
  const int columns = std::max(1, size.width / 400), rows = std::max(1, size.height / 300);
  cv::Mat out(size, CV_8UC3);
  for (int i = 0; i < columns * rows; ++i) {
    const int left = i % columns * size.width / columns, right = (i % columns + 1) * size.width / columns;
    const int top = i / columns * size.height / rows, bottom = (i / columns + 1) * size.height / rows;
    cv::Mat place = out(cv::Rect(left, top, right - left, bottom - top));
    cv::resize(pictures[(first * 7 + static_cast<size_t>(i) * 3) % pictures.size()], place, place.size(), 0, 0,
               cv::INTER_CUBIC);
  }
  return out;
}

cv::Mat read_file(const char* path) {
  Bytes bytes;
  if (std::FILE* file = std::fopen(path, "rb")) {
    std::fseek(file, 0, SEEK_END);
    bytes.resize(static_cast<size_t>(std::ftell(file)));
    std::rewind(file);
    if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) bytes.clear();
    std::fclose(file);
  }
  workerproc::Picture picture;
  if (!workerproc::decode(bytes, {.layout = workerproc::PixelLayout::kBgr, .min_short_side_px = 0}, picture)) {
    fmt::print(stderr, "format_bench: '{}' is no picture\n", path);
    std::exit(2);
  }
  return cv::Mat(static_cast<int>(picture.height_px), static_cast<int>(picture.width_px), CV_8UC3,
                 picture.pixels.data(), picture.stride_bytes)
      .clone();
}

}  // namespace

int main(int argc, char** argv) {
  cv::Size size(1600, 1200);
  size_t count = 20;
  std::string only;
  std::vector<cv::Mat> sources;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--size") == 0 && i + 1 < argc)
      (void)std::sscanf(argv[++i], "%dx%d", &size.width, &size.height);
    else if (std::strcmp(argv[i], "--drawn") == 0 && i + 1 < argc)
      count = std::strtoul(argv[++i], nullptr, 10);
    else if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc)
      only = argv[++i];
    else
      sources.push_back(read_file(argv[i]));
  }
  std::vector<cv::Mat> pictures;
  for (size_t i = 0; i < count; ++i)
    pictures.push_back(sources.empty() ? test::draw_picture(i + 1, size.width, size.height)
                                       : mosaic(sources, i, size));
  fmt::print("{}x{}, {} {}\n\n", size.width, size.height, pictures.size(), sources.empty() ? "drawn" : "mosaics");
  fmt::print("| format | files | mean | p99 | max | full/s | default/s | ratio |\n|---|---|---|---|---|---|---|---|\n");
  for (const Variant& variant : variants()) {
    if (!only.empty() && variant.name.find(only) == std::string::npos) continue;
    Row row;
    for (const cv::Mat& picture : pictures) measure(variant.encode(picture), row);
    print(variant.name, std::move(row));
  }
}
