// Every decoder, on files of its format; and what reads headers by code of our own.
#include <map>
#include <string>
#include <utility>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/unit/workerproc/sample_files.h"
#include "workerproc/decode/decode.h"
#include "workerproc/decode/exif.h"
#include "workerproc/decode/jpeg_header.h"
#include "workerproc/transform/npy.h"

namespace pairloom::test {
namespace {

using workerproc::PixelLayout;

// Small enough that a fuzzer makes many tries, large enough that every path is taken.
constexpr uint64_t kMaxPixels = 1u << 20;

uint64_t sum_of(std::span<const uint8_t> bytes) {
  uint64_t sum = 0;
  for (const uint8_t byte : bytes) sum += byte;
  return sum;
}

void check_picture(const workerproc::Picture& picture) {
  const uint64_t sample_bytes = picture.bits_per_sample / 8u;
  const uint64_t row_bytes = uint64_t{picture.width_px} * workerproc::channels_of(picture.layout) * sample_bytes;
  must(picture.width_px > 0 && picture.height_px > 0, "a picture has pixels");
  must(uint64_t{picture.full_width_px} * picture.full_height_px <= kMaxPixels, "no picture has more pixels than may be");
  must(picture.width_px <= picture.full_width_px && picture.height_px <= picture.full_height_px, "reduced is smaller");
  must(picture.stride_bytes >= row_bytes, "a row fits its stride");
  must(uint64_t{picture.stride_bytes} * picture.height_px <= picture.pixels.size(), "all rows are there");
  must(picture.orientation >= 1 && picture.orientation <= 8, "an orientation is one of eight");
  must(!picture.damaged || !picture.warning.empty(), "damage has a reason");
  for (uint32_t y = 0; y < picture.height_px; ++y)
    static_cast<void>(sum_of(std::span(picture.pixels).subspan(size_t{y} * picture.stride_bytes, row_bytes)));
}

void decode_in_all_layouts(std::span<const std::byte> file) {
  static workerproc::Picture picture;  // its memory is used again, as a worker does
  static_cast<void>(workerproc::sniff(file.first(std::min(file.size(), workerproc::kSniffBytes))));
  for (const auto layout : {PixelLayout::kGray, PixelLayout::kBgr, PixelLayout::kRgba, PixelLayout::kChannel}) {
    workerproc::DecodeRequest request;
    request.layout = layout;
    request.max_pixels = kMaxPixels;
    request.min_short_side_px = layout == PixelLayout::kGray ? 8 : 0;
    const auto decoded = workerproc::decode(file, request, picture);
    if (decoded)
      check_picture(picture);
    else
      must(!decoded.error().message.empty(), "a failure has a reason");
  }
}

std::map<std::string, std::vector<Bytes>> samples_by_format() {
  std::map<std::string, std::vector<Bytes>> samples;
  for (const auto& [width, height] : {std::pair(31, 17), std::pair(64, 80)})
    for (SampleFile& sample : sample_files(5, width, height))
      samples[std::string(name_of(sample.format))].push_back(std::move(sample.bytes));
  // Camera raws are no sample files: their colours are the camera's.
  const cv::Mat image = draw_picture(5, 64, 48);
  samples[std::string(name_of(ImageFormat::kRaw))] = {
      encode_dng(image), encode_dng(image, {.preview_width = 320, .preview_height = 240})};
  return samples;
}

void read_headers(std::span<const std::byte> bytes) {
  static_cast<void>(workerproc::sniff(bytes.first(std::min(bytes.size(), workerproc::kSniffBytes))));
  const uint8_t orientation = workerproc::exif_orientation(bytes);
  must(orientation >= 1 && orientation <= 8, "an orientation is one of eight");
  const std::span<const uint8_t> file(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  workerproc::JpegHeaderReader jpeg(file);
  for (int scans = 0; scans < 100 && jpeg.next() == workerproc::JpegHeaderReader::Found::kScan; ++scans) {
    must(jpeg.position() <= file.size(), "a scan begins in the file");
    must(jpeg.scan().part_count >= 1 && jpeg.scan().part_count <= workerproc::kJpegMaxComponents, "a scan has parts");
  }
  if (const auto grid = workerproc::parse_npy(bytes, 1u << 20)) {
    must(uint64_t{grid->rows} * grid->columns * grid->number_bytes == grid->data.size(), "a grid is as large as it says");
    for (size_t i = 0; i < size_t{grid->rows} * grid->columns; ++i) static_cast<void>(grid->at(i));
  }
}

std::vector<Bytes> headers() {
  std::vector<Bytes> seeds{exif_block(6), exif_block(3, true)};
  for (const auto& [format, files] : samples_by_format()) seeds.push_back(files.front());
  for (const bool progressive : {false, true})
    seeds.push_back(encode_jpeg(cv::Mat(24, 16, CV_8UC3, cv::Scalar(9, 99, 199)), {.progressive = progressive}));
  const std::string npy = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  Bytes grid = bytes_of("\x93NUMPY");
  grid.insert(grid.end(), {std::byte{1}, std::byte{0}, static_cast<std::byte>(npy.size()), std::byte{0}});
  for (const std::byte byte : bytes_of(npy)) grid.push_back(byte);
  grid.resize(grid.size() + 24);
  seeds.push_back(std::move(grid));
  return seeds;
}

}  // namespace

void add_decoder_targets(std::vector<FuzzTarget>& targets) {
  for (const auto& [format, files] : samples_by_format())
    targets.push_back({"decode-" + format, decode_in_all_layouts, [files = files] { return files; }});
  targets.push_back({"headers", read_headers, headers});
}

}  // namespace pairloom::test
