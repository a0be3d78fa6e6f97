// What must hold for every sequence of bytes, damaged or not: the reduced JPEG decoder either declines, or
// libjpeg-turbo decodes the file without a warning and to the same pixels. Runs in: tests, fuzzers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tests/fuzz/jpeg_reference.h"
#include "workerproc/decode/jpeg_scan.h"

namespace pairloom::test {

class JpegAgreement {
 public:
  // Pictures that are larger in full are not compared.
  explicit JpegAgreement(uint64_t max_pixels = 24'000'000) : max_pixels_(max_pixels), reference_(max_pixels) {}

  // Compares at one reduction. Empty: it holds; else what is wrong.
  std::string check(std::span<const std::byte> bytes, int reduction);
  // At 1/8, 1/4, 1/2 and full size.
  std::string check(std::span<const std::byte> bytes);

  // How often each pair of answers came, so that a test can say what it has seen.
  struct Counts {
    uint64_t done = 0;            // and equal
    uint64_t done_unseen = 0;     // progressive, damaged in an AC scan, which the reduced decoder does not read
    uint64_t declined_clean = 0;  // libjpeg had no complaint
    uint64_t declined_warned = 0, declined_failed = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  uint64_t max_pixels_;
  workerproc::ReducedJpegDecoder decoder_;
  workerproc::GrayRaster raster_;
  JpegReference reference_;
  ReferencePicture picture_;
  Counts counts_;
};

}  // namespace pairloom::test
