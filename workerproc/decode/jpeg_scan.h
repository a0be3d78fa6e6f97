// Gray picture of a JPEG at 1/8, 1/4, 1/2 or full size straight from its entropy-coded luma: the pixels of
// libjpeg-turbo's decode, bit for bit, in half the time or so. Made for hostile bytes: it handles intact files of the usual kinds and
// declines all else, for libjpeg-turbo to decide. Runs in: worker only.
//
// Handled: 8-bit Huffman-coded frames, gray or YCbCr, any sampling in which luma is the finest, with or without restart
// intervals,
// - sequential (baseline and extended), interleaved or a scan for each component. Pixels equal libjpeg-turbo's
//   (JCS_GRAYSCALE, JDCT_ISLOW, x86), and kDone implies that it reads the whole file without a warning;
// - progressive at 1/8: equal as well, from the DC scans alone. The AC scans are passed over unread, so damage inside
//   them goes unnoticed; it would not change a pixel at this size.
// Declined: progressive at more than 1/8, RGB, CMYK, YCCK, 12 bits, arithmetic, lossless, hierarchical, a line count that
// comes later (DNL), no Huffman tables of its own (Motion JPEG), anything between the end of a scan and the next
// marker, no end-of-image marker, and every sign of damage: unknown codes, blocks with more than 64 terms, wrong or
// missing restart markers, too few or too many entropy-coded bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace pairloom::workerproc {

enum class ReducedJpeg {
  kDone,
  kDeclined,  // not handled or in doubt: use libjpeg-turbo
};

struct GrayRaster {
  std::vector<uint8_t> pixels;                 // rows are `stride` bytes apart; at least stride * height bytes
  uint32_t width = 0, height = 0, stride = 0;  // width = image width / reduction, rounded up; height likewise
};

// Keeps Huffman tables from one file to the next: most programs write the same few, and making them takes a tenth of
// the time of a small picture.
class ReducedJpegDecoder {
 public:
  explicit ReducedJpegDecoder(uint64_t max_pixels = 400'000'000);  // of the full picture; larger ones are declined
  ~ReducedJpegDecoder();
  ReducedJpegDecoder(const ReducedJpegDecoder&) = delete;
  ReducedJpegDecoder& operator=(const ReducedJpegDecoder&) = delete;

  // `reduction`: 1, 2, 4 or 8. Reuses `out`'s memory; after kDeclined its contents mean nothing. Time is linear in the
  // number of bytes, and so is memory: at most 260 bytes for each of them (70 at 1/2), whatever the header says.
  ReducedJpeg decode(std::span<const std::byte> bytes, int reduction, GrayRaster& out);

 private:
  struct State;
  class Decoding;
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::workerproc
