#include "workerproc/decode/jpeg_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "workerproc/decode/jpeg_blocks.h"
#include "workerproc/decode/jpeg_header.h"
#include "workerproc/decode/jpeg_huffman.h"
#include "workerproc/decode/jpeg_idct.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pairloom::workerproc {
namespace {

using namespace jpeg_blocks;

constexpr uint8_t kRst0 = 0xD0, kRst7 = 0xD7;

uint32_t divide_up(uint32_t value, uint32_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Copies the bytes before the first 0xFF, or before `end`; how many there are. At `to` as many may be written over as
// there are before `end`.
size_t copy_before_ff(const uint8_t* from, const uint8_t* end, uint8_t* to) {
  const uint8_t* const begin = from;
#if defined(__SSE2__)
  // Such runs are some 200 bytes long: too short for the calls of memchr and memcpy.
  constexpr ptrdiff_t kStep = 32;
  const auto at = [](const uint8_t* p) { return reinterpret_cast<const __m128i*>(p); };
  const __m128i ff = _mm_set1_epi8(-1);
  for (; end - from >= kStep; from += kStep, to += kStep) {
    const __m128i first = _mm_loadu_si128(at(from)), second = _mm_loadu_si128(at(from + 16));
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + 16, &second, sizeof second);
    const auto hits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(first, ff))) |
                      static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(second, ff))) << 16;
    if (hits != 0) return static_cast<size_t>(from - begin) + static_cast<size_t>(std::countr_zero(hits));
  }
#endif
  const void* const hit = from == end ? nullptr : std::memchr(from, 0xFF, static_cast<size_t>(end - from));
  const auto rest = static_cast<size_t>((hit == nullptr ? end : static_cast<const uint8_t*>(hit)) - from);
  std::memcpy(to, from, rest);
  return static_cast<size_t>(from - begin) + rest;
}

// The entropy-coded bytes of one scan, one restart interval at a time, without their stuffing.
class EntropyReader {
 public:
  EntropyReader(std::span<const uint8_t> file, size_t position, std::vector<uint8_t>& buffer)
      : file_(file), position_(position), buffer_(buffer) {
    const size_t needed = file.size() - position + kReadAheadBytes;
    if (buffer_.size() >= needed) return;
    buffer_.clear();  // nothing worth copying
    buffer_.resize(needed);
  }

  // Takes everything up to the next marker. False: the file ends before one.
  bool take_interval() {
    const uint8_t* from = file_.data() + position_;
    const uint8_t* const end = file_.data() + file_.size();
    uint8_t* to = buffer_.data();
    for (;;) {
      const size_t run = copy_before_ff(from, end, to);
      from += run;
      to += run;
      if (end - from < 2) return false;
      if (from[1] != 0) break;
      *to++ = 0xFF;
      from += 2;
    }
    size_ = static_cast<size_t>(to - buffer_.data());
    position_ = static_cast<size_t>(from - file_.data());
    return true;
  }

  BitReader bits() const {
    BitReader reader{buffer_.data()};
    reader.refill();
    return reader;
  }
  // No reader of this interval that got past it is right; kReadAheadBytes behind it can be read.
  const uint8_t* limit() const { return buffer_.data() + size_ + sizeof(uint64_t); }
  // Whether `reader` has taken all but the padding of the last byte.
  bool is_end(const BitReader& reader) const {
    const size_t used = reader.used_bits(buffer_.data());
    return used <= size_ * 8 && size_ * 8 - used < 8;
  }

  // Steps over everything up to the next marker that is no restart marker. False: the file ends before one.
  bool pass_over() {
    for (;;) {
      const size_t left = file_.size() - position_;
      const void* hit = left == 0 ? nullptr : std::memchr(file_.data() + position_, 0xFF, left);
      if (hit == nullptr) return false;
      position_ = static_cast<size_t>(static_cast<const uint8_t*>(hit) - file_.data());
      if (position_ + 1 >= file_.size()) return false;
      const uint8_t code = file_[position_ + 1];
      if (code != 0 && code != 0xFF && (code < kRst0 || code > kRst7)) return true;
      position_ += code == 0xFF ? 1 : 2;
    }
  }

  // Steps over the restart marker with this number (0..7).
  bool take_restart_marker(uint32_t number) {
    if (file_.size() - position_ < 2 || file_[position_ + 1] != kRst0 + number) return false;
    position_ += 2;
    return true;
  }
  size_t position() const { return position_; }  // after take_interval: of the marker

 private:
  std::span<const uint8_t> file_;
  size_t position_;
  std::vector<uint8_t>& buffer_;
  size_t size_ = 0;
};

// What the MCUs of a scan are made of.
template <class Chroma>
struct McuPlan {
  uint32_t mcus_per_row = 0, mcu_rows = 0;
  uint32_t luma_width = 0, luma_height = 0;  // in blocks; 0: no luma in this scan
  uint32_t chroma_parts = 0;
  struct Part {
    uint32_t blocks = 0;
    Chroma skip{};
  };
  std::array<Part, kJpegMaxComponents> chroma{};

  uint64_t blocks() const {
    uint64_t in_mcu = static_cast<uint64_t>(luma_width) * luma_height;
    for (uint32_t i = 0; i < chroma_parts; ++i) in_mcu += chroma[i].blocks;
    return in_mcu * mcus_per_row * mcu_rows;
  }
};

// One restart interval: MCUs [from, to) in reading order. `luma` is a copy, so that its DC prediction starts anew.
template <class Luma, class Chroma>
[[gnu::always_inline]] inline bool read_interval(const McuPlan<Chroma>& plan, const EntropyReader& data, Luma luma,
                                                 uint32_t from, uint32_t to) {
  BitReader in = data.bits();
  const uint8_t* const limit = data.limit();
  uint32_t column = from % plan.mcus_per_row, row = from / plan.mcus_per_row;
  for (uint32_t mcu = from; mcu < to; ++mcu) {
    for (uint32_t y = 0; y < plan.luma_height; ++y)
      for (uint32_t x = 0; x < plan.luma_width; ++x)
        if (!luma(in, column * plan.luma_width + x, row * plan.luma_height + y)) return false;
    for (uint32_t part = 0; part < plan.chroma_parts; ++part)
      for (uint32_t block = 0; block < plan.chroma[part].blocks; ++block)
        if (!plan.chroma[part].skip(in)) return false;
    if (in.next > limit) return false;
    if (++column == plan.mcus_per_row) {
      column = 0;
      ++row;
    }
  }
  return data.is_end(in);
}

#if defined(__x86_64__)
// Shifts by a variable number of bits are one instruction instead of three here.
template <class Luma, class Chroma>
[[gnu::target("bmi,bmi2")]] bool read_interval_bmi2(const McuPlan<Chroma>& plan, const EntropyReader& data, Luma luma,
                                                    uint32_t from, uint32_t to) {
  return read_interval(plan, data, luma, from, to);
}
bool has_bmi2() {
  static const bool has = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  return has;
}
#endif

template <class Luma, class Chroma>
bool read_interval_here(const McuPlan<Chroma>& plan, const EntropyReader& data, const Luma& luma, uint32_t from,
                        uint32_t to) {
#if defined(__x86_64__)
  if (has_bmi2()) return read_interval_bmi2(plan, data, luma, from, to);
#endif
  return read_interval(plan, data, luma, from, to);
}

template <class Luma, class Chroma>
bool read_scan(const McuPlan<Chroma>& plan, EntropyReader& data, const Luma& luma, uint32_t restart_interval) {
  const uint32_t mcus = plan.mcus_per_row * plan.mcu_rows;
  const uint32_t interval = restart_interval == 0 ? mcus : restart_interval;
  for (uint32_t from = 0, number = 0;; from += interval, ++number) {
    const uint32_t to = from + std::min(interval, mcus - from);
    if (!data.take_interval() || !read_interval_here(plan, data, luma, from, to)) return false;
    if (to == mcus) return true;
    if (!data.take_restart_marker(number % 8)) return false;
  }
}

}  // namespace

struct ReducedJpegDecoder::State {
  explicit State(uint64_t max) : max_pixels(max) {}

  const uint64_t max_pixels;
  HuffmanCache tables;
  std::vector<uint8_t> entropy;   // a restart interval without stuffing
  std::vector<int16_t> dc_plane;  // progressive: luma's DC terms

  // Memory is kept for the next file, but not for ever because of one.
  void forget_giants() {
    constexpr size_t kKeptBytes = 32 << 20;
    if (entropy.capacity() > kKeptBytes) entropy = {};
    if (dc_plane.capacity() * sizeof(int16_t) > kKeptBytes) dc_plane = {};
  }
};

// One file on its way through the decoder.
class ReducedJpegDecoder::Decoding {
 public:
  Decoding(std::span<const uint8_t> file, uint32_t reduction, State& state, GrayRaster& out)
      : file_(file), side_(8 / reduction), state_(state), out_(out), header_(file) {
    for (auto& bits : missing_bits_) bits.fill(kAllBits);
  }

  bool run() {
    for (;;) switch (header_.next()) {
        case JpegHeaderReader::Found::kDeclined:
          return false;
        case JpegHeaderReader::Found::kEnd:
          return finish();
        case JpegHeaderReader::Found::kScan:
          if (!(header_.frame().progressive ? read_progressive() : read_sequential())) return false;
      }
  }

 private:
  struct Tables {
    const DcTable* dc = nullptr;
    const AcTable* ac = nullptr;
  };
  using ScanTables = std::array<Tables, kJpegMaxComponents>;

  std::span<const JpegScanPart> parts() const {
    return std::span(header_.scan().parts).first(static_cast<size_t>(header_.scan().part_count));
  }
  bool has_luma() const { return parts()[0].component == 0; }

  Plane<uint8_t> luma_plane() { return {out_.pixels.data(), out_.stride}; }

  bool read_sequential();
  template <uint32_t kSide>
  bool read_luma_terms(const McuPlan<SkipBlock>& plan, const Tables& tables, JpegIdct::Function transform);
  bool read_progressive();
  bool note_progress();
  bool find_tables(ScanTables& tables, bool with_ac);
  template <class Chroma, class MakeSkip>
  bool make_plan(McuPlan<Chroma>& plan, uint32_t min_bits_per_block, MakeSkip make_skip) const;
  template <class Luma, class Chroma>
  bool read_scan_data(const McuPlan<Chroma>& plan, const Luma& luma);
  void begin_luma();
  bool finish();

  std::span<const uint8_t> file_;
  const uint32_t side_;  // pixels of the result per block
  State& state_;
  GrayRaster& out_;
  JpegHeaderReader header_;
  uint32_t blocks_per_row_ = 0, block_rows_ = 0;  // of luma, with the padding of whole MCUs
  alignas(16) std::array<int16_t, 64> luma_quant_{};
  BlockQueue queue_;
  std::array<bool, kJpegMaxComponents> seen_{};
  // Progressive: how many low bits of each term are still to come, as libjpeg's coef_bits.
  static constexpr uint8_t kAllBits = 255;
  std::array<std::array<uint8_t, 64>, kJpegMaxComponents> missing_bits_;
};

bool ReducedJpegDecoder::Decoding::read_sequential() {
  for (const JpegScanPart& part : parts())
    if (std::exchange(seen_[part.component], true)) return false;  // coded twice
  ScanTables tables;
  McuPlan<SkipBlock> plan;
  if (!find_tables(tables, true)) return false;
  if (!make_plan(plan, 2, [&](size_t i) { return SkipBlock{tables[i].dc, tables[i].ac}; })) return false;
  if (has_luma()) begin_luma();
  switch (side_) {
    case 1:
      return read_scan_data(plan, LumaDc{tables[0].dc, tables[0].ac, luma_plane(), luma_quant_[0]});
    case 2:
      return read_luma_terms<2>(plan, tables[0], jpeg_idcts()[0].to_2x2);
    case 4:
      return read_luma_terms<4>(plan, tables[0], jpeg_idcts()[0].to_4x4);
    default:
      return read_luma_terms<8>(plan, tables[0], jpeg_idcts()[0].to_8x8);
  }
}

template <uint32_t kSide>
bool ReducedJpegDecoder::Decoding::read_luma_terms(const McuPlan<SkipBlock>& plan, const Tables& tables,
                                                   JpegIdct::Function transform) {
  queue_.begin_scan(transform, luma_quant_.data(), out_.stride);
  if (!read_scan_data(plan, LumaTerms<kSide>{tables.dc, tables.ac, luma_plane(), luma_quant_[0], &queue_})) return false;
  queue_.flush();
  return true;
}

bool ReducedJpegDecoder::Decoding::read_progressive() {
  if (side_ != 1 || !note_progress()) return false;
  const JpegScan& scan = header_.scan();
  if (scan.first_term != 0) {
    // libjpeg would refuse a missing or impossible table; what it codes is of no interest.
    if (!HuffmanCode().assign(header_.tables().ac[parts()[0].ac_table])) return false;
    EntropyReader data(file_, header_.position(), state_.entropy);
    if (!data.pass_over()) return false;
    header_.continue_at(data.position());
    return true;
  }
  if (scan.high_bit == 0) {
    ScanTables tables;
    McuPlan<SkipFirstDc> plan;
    if (!find_tables(tables, false)) return false;
    if (!make_plan(plan, 1, [&](size_t i) { return SkipFirstDc{tables[i].dc}; })) return false;
    if (has_luma()) begin_luma();
    return read_scan_data(plan, LumaFirstDc{tables[0].dc, {state_.dc_plane.data(), blocks_per_row_}, scan.low_bit});
  }
  McuPlan<SkipMoreDc> plan;
  if (!make_plan(plan, 1, [](size_t) { return SkipMoreDc{}; })) return false;
  return read_scan_data(plan, LumaMoreDc{{state_.dc_plane.data(), blocks_per_row_}, scan.low_bit});
}

// Whether the scan brings what is still missing, in an order of which libjpeg does not warn.
bool ReducedJpegDecoder::Decoding::note_progress() {
  const JpegScan& scan = header_.scan();
  for (const JpegScanPart& part : parts()) {
    auto& missing = missing_bits_[part.component];
    if (scan.first_term != 0 && missing[0] == kAllBits) return false;  // AC before DC
    for (size_t term = scan.first_term; term <= scan.last_term; ++term) {
      if (missing[term] != (scan.high_bit == 0 ? kAllBits : scan.high_bit)) return false;
      missing[term] = scan.low_bit;
    }
    seen_[part.component] = true;
  }
  return true;
}

bool ReducedJpegDecoder::Decoding::find_tables(ScanTables& tables, bool with_ac) {
  for (size_t i = 0; i < parts().size(); ++i) {
    const JpegScanPart& part = parts()[i];
    tables[i].dc = state_.tables.dc(header_.tables().dc[part.dc_table]);
    if (tables[i].dc == nullptr) return false;
    if (!with_ac) continue;
    tables[i].ac = state_.tables.ac(header_.tables().ac[part.ac_table], part.component == 0 && side_ > 1);
    if (tables[i].ac == nullptr) return false;
  }
  return true;
}

// `make_skip(i)`: how to step over a block of parts()[i]. False: larger than allowed, or than so few bytes can be.
template <class Chroma, class MakeSkip>
bool ReducedJpegDecoder::Decoding::make_plan(McuPlan<Chroma>& plan, uint32_t min_bits_per_block,
                                             MakeSkip make_skip) const {
  const JpegFrame& frame = header_.frame();
  if (static_cast<uint64_t>(frame.width_px) * frame.height_px > state_.max_pixels) return false;
  const bool interleaved = parts().size() > 1;
  for (size_t i = 0; i < parts().size(); ++i) {
    const JpegComponent& component = frame.components[parts()[i].component];
    const uint32_t width = interleaved ? component.width_blocks : 1, height = interleaved ? component.height_blocks : 1;
    if (parts()[i].component == 0) {
      plan.luma_width = width;
      plan.luma_height = height;
    } else {
      plan.chroma[plan.chroma_parts++] = {width * height, make_skip(i)};
    }
  }
  // A scan of one component has its blocks for MCUs, without padding (T.81, A.2.2).
  const JpegComponent& only = frame.components[parts()[0].component];
  const uint32_t mcu_width = interleaved ? 1 : only.width_blocks, mcu_height = interleaved ? 1 : only.height_blocks;
  plan.mcus_per_row = divide_up(frame.width_px * mcu_width, 8u * frame.max_width_blocks);
  plan.mcu_rows = divide_up(frame.height_px * mcu_height, 8u * frame.max_height_blocks);
  return plan.blocks() * min_bits_per_block <= (file_.size() - header_.position()) * 8;
}

template <class Luma, class Chroma>
bool ReducedJpegDecoder::Decoding::read_scan_data(const McuPlan<Chroma>& plan, const Luma& luma) {
  EntropyReader data(file_, header_.position(), state_.entropy);
  if (!read_scan(plan, data, luma, header_.tables().restart_interval_mcus)) return false;
  header_.continue_at(data.position());
  return true;
}

// Luma's first scan: makes room, and takes the quantization in force now, as libjpeg does.
void ReducedJpegDecoder::Decoding::begin_luma() {
  const JpegFrame& frame = header_.frame();
  const uint32_t width_blocks = frame.max_width_blocks, height_blocks = frame.max_height_blocks;
  blocks_per_row_ = divide_up(frame.width_px, 8 * width_blocks) * width_blocks;
  block_rows_ = divide_up(frame.height_px, 8 * height_blocks) * height_blocks;
  const auto& quant = header_.tables().quant[frame.components[0].quant_table];
  std::transform(quant.begin(), quant.end(), luma_quant_.begin(), [](uint16_t q) { return static_cast<int16_t>(q); });

  out_.width = divide_up(frame.width_px * side_, 8);
  out_.height = divide_up(frame.height_px * side_, 8);
  out_.stride = blocks_per_row_ * side_;
  out_.pixels.resize(static_cast<size_t>(out_.stride) * block_rows_ * side_);
  if (frame.progressive) state_.dc_plane.resize(out_.pixels.size());
}

bool ReducedJpegDecoder::Decoding::finish() {
  const auto components = static_cast<size_t>(header_.frame().component_count);
  if (components == 0 || !std::all_of(seen_.begin(), seen_.begin() + components, [](bool seen) { return seen; }))
    return false;
  if (!header_.frame().progressive) return true;
  for (size_t c = 0; c < components; ++c)  // libjpeg would smooth what is not known to the last bit
    if (std::any_of(missing_bits_[c].begin(), missing_bits_[c].end(), [](uint8_t bits) { return bits != 0; }))
      return false;
  std::transform(state_.dc_plane.begin(), state_.dc_plane.begin() + static_cast<ptrdiff_t>(out_.pixels.size()),
                 out_.pixels.begin(), [quant = luma_quant_[0]](int16_t dc) { return jpeg_idct_1x1(dc, quant); });
  return true;
}

ReducedJpegDecoder::ReducedJpegDecoder(uint64_t max_pixels) : state_(std::make_unique<State>(max_pixels)) {}
ReducedJpegDecoder::~ReducedJpegDecoder() = default;

ReducedJpeg ReducedJpegDecoder::decode(std::span<const std::byte> bytes, int reduction, GrayRaster& out) {
  if (reduction != 1 && reduction != 2 && reduction != 4 && reduction != 8) return ReducedJpeg::kDeclined;
  const std::span<const uint8_t> file(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  bool done = false;
  try {
    done = Decoding(file, static_cast<uint32_t>(reduction), *state_, out).run();
  } catch (const std::bad_alloc&) {  // the worker's memory limit; libjpeg-turbo may get by with less
  }
  state_->forget_giants();
  return done ? ReducedJpeg::kDone : ReducedJpeg::kDeclined;
}

}  // namespace pairloom::workerproc
