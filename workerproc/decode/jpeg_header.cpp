#include "workerproc/decode/jpeg_header.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace pairloom::workerproc {

namespace {

// ITU-T T.81, table B.1.
constexpr uint8_t kSof0 = 0xC0, kSof1 = 0xC1, kSof2 = 0xC2, kDht = 0xC4, kSoi = 0xD8, kEoi = 0xD9, kSos = 0xDA,
                  kDqt = 0xDB, kDri = 0xDD, kApp0 = 0xE0, kApp14 = 0xEE, kApp15 = 0xEF, kCom = 0xFE;

constexpr uint32_t kMaxSidePx = 65500;  // libjpeg's JPEG_MAX_DIMENSION
constexpr int kMaxBlocksInMcu = 10;     // T.81, B.2.3
constexpr int kMaxPointTransform = 13;  // Al, as libjpeg limits it

uint32_t read_u16(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 8 | p[1];
}

bool starts_with(std::span<const uint8_t> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

}  // namespace

JpegHeaderReader::Found JpegHeaderReader::next() {
  if (position_ == 0) {
    if (file_.size() < 2 || file_[0] != 0xFF || file_[1] != kSoi) return Found::kDeclined;
    position_ = 2;
  }
  for (;;) {
    // A marker: 0xFF, any number of fill bytes 0xFF, a code. Other bytes between segments would be a warning of
    // libjpeg's.
    if (position_ >= file_.size() || file_[position_] != 0xFF) return Found::kDeclined;
    while (position_ < file_.size() && file_[position_] == 0xFF) ++position_;
    if (position_ >= file_.size()) return Found::kDeclined;
    const uint8_t marker = file_[position_++];
    if (marker == kEoi) return Found::kEnd;
    Segment segment;
    if (!take_segment(segment) || !read_segment(marker, segment)) return Found::kDeclined;
    if (marker == kSos) return Found::kScan;
  }
}

bool JpegHeaderReader::take_segment(Segment& segment) {
  if (file_.size() - position_ < 2) return false;
  const size_t length = read_u16(&file_[position_]);
  if (length < 2 || length > file_.size() - position_) return false;
  segment = file_.subspan(position_ + 2, length - 2);
  position_ += length;
  return true;
}

bool JpegHeaderReader::read_segment(uint8_t marker, Segment segment) {
  switch (marker) {
    case kSof0:
    case kSof1:
    case kSof2:
      return read_frame(marker, segment);
    case kSos:
      return read_scan(segment);
    case kDht:
      return read_huffman_tables(segment);
    case kDqt:
      return read_quant_tables(segment);
    case kDri:
      if (segment.size() != 2) return false;
      tables_.restart_interval_mcus = read_u16(segment.data());
      return true;
    case kApp0:
      return read_jfif(segment);
    case kApp14:
      return read_adobe(segment);
    default:
      // Comments and other applications' data are passed over. What is left is not handled here: lossless, hierarchical
      // and arithmetic frames, a line count that comes later (DNL), restart markers outside a scan, reserved codes.
      return marker == kCom || (marker > kApp0 && marker <= kApp15);
  }
}

bool JpegHeaderReader::read_frame(uint8_t marker, Segment segment) {
  if (frame_.component_count != 0 || segment.size() < 6) return false;
  const int count = segment[5];
  if ((count != 1 && count != kJpegMaxComponents) || segment.size() != 6 + 3 * static_cast<size_t>(count)) return false;
  if (segment[0] != 8) return false;  // bits per sample
  frame_.progressive = marker == kSof2;
  frame_.height_px = read_u16(&segment[1]);
  frame_.width_px = read_u16(&segment[3]);
  if (frame_.width_px == 0 || frame_.height_px == 0) return false;
  if (frame_.width_px > kMaxSidePx || frame_.height_px > kMaxSidePx) return false;

  for (int i = 0; i < count; ++i) {
    const uint8_t* entry = &segment[6 + 3 * static_cast<size_t>(i)];
    JpegComponent& component = frame_.components[static_cast<size_t>(i)];
    component.id = entry[0];
    component.width_blocks = entry[1] >> 4;
    component.height_blocks = entry[1] & 15;
    component.quant_table = entry[2];
    if (component.width_blocks < 1 || component.width_blocks > 4) return false;
    if (component.height_blocks < 1 || component.height_blocks > 4) return false;
    if (component.quant_table > 3) return false;
    for (int j = 0; j < i; ++j)
      if (frame_.components[static_cast<size_t>(j)].id == component.id) return false;
  }
  frame_.component_count = count;
  if (count == 1) frame_.components[0].width_blocks = frame_.components[0].height_blocks = 1;  // T.81, A.2.2

  // Luma of less than the full resolution would have to be scaled up: the library's business.
  const JpegComponent& luma = frame_.components[0];
  frame_.max_width_blocks = luma.width_blocks;
  frame_.max_height_blocks = luma.height_blocks;
  return std::all_of(frame_.components.begin(), frame_.components.begin() + count, [&](const JpegComponent& c) {
    return c.width_blocks <= luma.width_blocks && c.height_blocks <= luma.height_blocks;
  });
}

bool JpegHeaderReader::read_scan(Segment segment) {
  if (frame_.component_count == 0 || !first_component_is_gray() || segment.empty()) return false;
  const int count = segment[0];
  if (count < 1 || count > frame_.component_count) return false;
  if (segment.size() != 4 + 2 * static_cast<size_t>(count)) return false;

  scan_ = {};
  scan_.part_count = count;
  int blocks = 0, next_component = 0;
  for (int i = 0; i < count; ++i) {
    const uint8_t* entry = &segment[1 + 2 * static_cast<size_t>(i)];
    int index = next_component;
    while (index < frame_.component_count && frame_.components[static_cast<size_t>(index)].id != entry[0]) ++index;
    if (index == frame_.component_count) return false;  // unknown, or not in the frame's order
    next_component = index + 1;
    const JpegComponent& component = frame_.components[static_cast<size_t>(index)];
    blocks += component.width_blocks * component.height_blocks;
    const auto dc = static_cast<uint8_t>(entry[1] >> 4), ac = static_cast<uint8_t>(entry[1] & 15);
    if (dc > 3 || ac > 3) return false;
    if (!tables_.quant_defined[component.quant_table]) return false;
    scan_.parts[static_cast<size_t>(i)] = {static_cast<uint8_t>(index), dc, ac};
  }
  if (count > 1 && blocks > kMaxBlocksInMcu) return false;

  const uint8_t* tail = &segment[1 + 2 * static_cast<size_t>(count)];
  scan_.first_term = tail[0];
  scan_.last_term = tail[1];
  scan_.high_bit = tail[2] >> 4;
  scan_.low_bit = tail[2] & 15;
  if (!frame_.progressive)
    return scan_.first_term == 0 && scan_.last_term == 63 && scan_.high_bit == 0 && scan_.low_bit == 0;
  if (scan_.low_bit > kMaxPointTransform) return false;
  if (scan_.high_bit != 0 && scan_.high_bit != scan_.low_bit + 1) return false;
  if (scan_.first_term == 0) return scan_.last_term == 0;
  return count == 1 && scan_.first_term <= scan_.last_term && scan_.last_term <= 63;
}

bool JpegHeaderReader::read_huffman_tables(Segment segment) {
  while (!segment.empty()) {
    if (segment.size() < 17) return false;
    const uint8_t slot = segment[0];
    if ((slot & 0xEF) > 3) return false;
    size_t symbols = 0;
    for (size_t i = 1; i <= 16; ++i) symbols += segment[i];
    if (symbols > 256 || segment.size() < 17 + symbols) return false;
    auto& tables = (slot & 0x10) != 0 ? tables_.ac : tables_.dc;
    tables[slot & 3] = segment.subspan(1, 16 + symbols);
    segment = segment.subspan(17 + symbols);
  }
  return true;
}

bool JpegHeaderReader::read_quant_tables(Segment segment) {
  while (!segment.empty()) {
    const uint8_t slot = segment[0] & 15;
    const bool wide = segment[0] >> 4 != 0;  // 16-bit entries
    const size_t size = wide ? 129 : 65;
    if (slot > 3 || segment.size() < size) return false;
    for (size_t i = 0; i < 64; ++i) {
      const uint32_t value = wide ? read_u16(&segment[1 + 2 * i]) : segment[1 + i];
      if (value == 0 || value > 32767)
        return false;  // no encoder means that, and libjpeg's arithmetic is 16-bit signed
      tables_.quant[slot][kJpegNaturalOrder[i]] = static_cast<uint16_t>(value);
    }
    tables_.quant_defined[slot] = true;
    segment = segment.subspan(size);
  }
  return true;
}

bool JpegHeaderReader::read_jfif(Segment segment) {
  constexpr std::string_view kName("JFIF\0", 5);
  if (segment.size() < 14 || !starts_with(segment, kName)) return true;
  has_jfif_ = true;
  return segment[5] == 1;  // major version; libjpeg warns of others
}

bool JpegHeaderReader::read_adobe(Segment segment) {
  if (segment.size() < 12 || !starts_with(segment, "Adobe")) return true;
  has_adobe_ = true;
  adobe_transform_ = segment[11];
  return true;
}

// The colour space as libjpeg guesses it (jdapimin.c, default_decompress_parms). Asked at every scan, but a marker
// between scans can only turn a yes into a no: declined, which is always safe.
bool JpegHeaderReader::first_component_is_gray() const {
  if (frame_.component_count == 1 || has_jfif_) return true;
  if (has_adobe_) return adobe_transform_ == 1;
  const auto& c = frame_.components;
  return !(c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B');
}

}  // namespace pairloom::workerproc
