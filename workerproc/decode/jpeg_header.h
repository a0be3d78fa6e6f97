// The marker segments of a JPEG, before and between its scans, for the reduced decoder (jpeg_scan.h): accepts what that
// can handle and libjpeg-turbo reads without a warning, and declines everything else. Runs in: worker only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pairloom::workerproc {

constexpr int kJpegMaxComponents = 3;

struct JpegComponent {
  uint8_t id = 0;
  uint8_t width_blocks = 0, height_blocks = 0;  // sampling factors: blocks in an interleaved MCU, 1..4
  uint8_t quant_table = 0;
};

struct JpegFrame {
  bool progressive = false;
  uint32_t width_px = 0, height_px = 0;
  int component_count = 0;  // 0: no frame yet; else 1 (gray) or 3 (the first is luma)
  std::array<JpegComponent, kJpegMaxComponents> components{};
  uint8_t max_width_blocks = 1, max_height_blocks = 1;  // luma's own factors: a frame where they are not is declined
};

struct JpegScanPart {
  uint8_t component = 0;  // index into JpegFrame::components, rising within a scan
  uint8_t dc_table = 0, ac_table = 0;
};

struct JpegScan {
  int part_count = 0;
  std::array<JpegScanPart, kJpegMaxComponents> parts{};
  uint8_t first_term = 0, last_term = 63;  // Ss, Se: zigzag indices
  uint8_t high_bit = 0, low_bit = 0;       // Ah, Al: successive approximation
};

// The tables in force. Huffman tables are left as they stand in the file: 16 counts, then the symbols.
struct JpegTables {
  std::array<std::span<const uint8_t>, 4> dc, ac;   // empty: not defined
  std::array<std::array<uint16_t, 64>, 4> quant{};  // row-major, not zigzag; entries are 1..32767
  std::array<bool, 4> quant_defined{};
  uint32_t restart_interval_mcus = 0;
};

// Row-major position of each zigzag index.
inline constexpr std::array<uint8_t, 64> kJpegNaturalOrder = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

class JpegHeaderReader {
 public:
  enum class Found { kScan, kEnd, kDeclined };

  // `file` must outlive the reader and the tables it hands out.
  explicit JpegHeaderReader(std::span<const uint8_t> file) : file_(file) {}

  // Reads up to and including the next scan header, or to the end-of-image marker. Linear in the bytes read.
  Found next();
  // For the caller that has read a scan's entropy-coded data: continue at `position`, where a marker must stand.
  void continue_at(size_t position) { position_ = position; }

  size_t position() const { return position_; }  // after kScan: the first entropy-coded byte
  const JpegFrame& frame() const { return frame_; }
  const JpegScan& scan() const { return scan_; }
  const JpegTables& tables() const { return tables_; }

 private:
  using Segment = std::span<const uint8_t>;  // what follows the length word

  bool take_segment(Segment& segment);
  bool read_segment(uint8_t marker, Segment segment);
  bool read_frame(uint8_t marker, Segment segment);
  bool read_scan(Segment segment);
  bool read_huffman_tables(Segment segment);
  bool read_quant_tables(Segment segment);
  bool read_jfif(Segment segment);
  bool read_adobe(Segment segment);
  bool first_component_is_gray() const;

  std::span<const uint8_t> file_;
  size_t position_ = 0;
  JpegFrame frame_;
  JpegScan scan_;
  JpegTables tables_;
  bool has_jfif_ = false, has_adobe_ = false;
  uint8_t adobe_transform_ = 0;
};

}  // namespace pairloom::workerproc
