#include "workerproc/decode/yuv.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

constexpr uint8_t kIdentity = 0, kBt709 = 1, kUnspecified = 2, kFcc = 4, kBt470 = 5, kBt601 = 6, kSmpte240 = 7,
                  kYcgco = 8, kBt2020 = 9, kBt2020Constant = 10;

struct Weights {
  double red, blue;
};
Weights weights_of(uint8_t matrix) {
  switch (matrix) {
    case kBt709:
      return {0.2126, 0.0722};
    case kFcc:
      return {0.30, 0.11};
    case kSmpte240:
      return {0.212, 0.087};
    case kBt2020:
    case kBt2020Constant:
      return {0.2627, 0.0593};
    default:
      return {0.299, 0.114};
  }
}

unsigned sample_at(const YuvPlanes::Plane& plane, size_t x, size_t y) {
  const uint8_t* row = plane.samples + static_cast<ptrdiff_t>(y) * plane.stride_bytes;
  if (plane.bits <= 8) return row[x];
  uint16_t value = 0;
  memcpy(&value, row + 2 * x, 2);
  return value;
}

// value -> (value * scale + offset) >> 16, cut to 8 bits.
struct Stretch {
  int64_t scale, offset;
};
Stretch stretch_of(unsigned bits, bool full_range) {
  const int64_t most = (int64_t{1} << bits) - 1, unit = int64_t{1} << (bits - 8);
  const int64_t black = full_range ? 0 : 16 * unit, span = full_range ? most : 219 * unit;
  const int64_t scale = ((int64_t{255} << 16) + span / 2) / span;
  return {scale, (1 << 15) - black * scale};
}

template <class Sample>
inline void stretch_row(const Sample* in, uint8_t* out, size_t width, int64_t wide_scale, int64_t wide_offset) {
  // 16 bits a sample at most, so that value * scale stays within 32 bits: (2^16 - 1) * 255 at full range
  const auto scale = static_cast<int32_t>(wide_scale), offset = static_cast<int32_t>(wide_offset);
  for (size_t x = 0; x < width; ++x)
    out[x] = static_cast<uint8_t>(std::clamp((static_cast<int32_t>(in[x]) * scale + offset) >> 16, 0, 255));
}
PAIRLOOM_CLONES void stretch_bytes(const uint8_t* in, uint8_t* out, size_t width, int64_t scale, int64_t offset) {
  stretch_row(in, out, width, scale, offset);
}
PAIRLOOM_CLONES void stretch_words(const uint16_t* in, uint8_t* out, size_t width, int64_t scale, int64_t offset) {
  stretch_row(in, out, width, scale, offset);
}

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
}

// 0..255 for luma and identity planes; -127.5..127.5 for chroma.
double level(unsigned value, unsigned bits, bool full_range, bool chroma) {
  const double unit = std::ldexp(1.0, static_cast<int>(bits) - 8), most = 256 * unit - 1;
  if (chroma) return (value - 128 * unit) * 255 / (full_range ? most : 224 * unit);
  return (full_range ? value : value - 16 * unit) * 255 / (full_range ? most : 219 * unit);
}

// One colour out of three numbers. Nothing here is in the way of indexing, which looks at luma alone.
class ToRgb {
 public:
  explicit ToRgb(const YuvPlanes& planes)
      : matrix_(planes.colour.matrix), identity_(matrix_ == kIdentity), weights_(weights_of(matrix_)) {
    for (size_t c = 0; c < 3; ++c) {
      const unsigned bits = std::clamp<unsigned>(planes.planes[c].bits, 8, 16);
      const bool chroma = c > 0 && !identity_;
      const double zero = level(0, bits, planes.colour.full_range, chroma);
      step_[c] = level(1, bits, planes.colour.full_range, chroma) - zero;
      zero_[c] = zero;
    }
  }
  void put(unsigned y_sample, unsigned cb_sample, unsigned cr_sample, uint8_t* rgb) const {
    const double y = zero_[0] + step_[0] * y_sample, cb = zero_[1] + step_[1] * cb_sample,
                 cr = zero_[2] + step_[2] * cr_sample;
    double r = 0, g = 0, b = 0;
    if (identity_) {
      g = y, b = cb, r = cr;
    } else if (matrix_ == kYcgco) {
      g = y + cb, b = y - cb - cr, r = y - cb + cr;
    } else {
      r = y + 2 * (1 - weights_.red) * cr;
      b = y + 2 * (1 - weights_.blue) * cb;
      g = (y - weights_.red * r - weights_.blue * b) / (1 - weights_.red - weights_.blue);
    }
    rgb[0] = to_byte(r);
    rgb[1] = to_byte(g);
    rgb[2] = to_byte(b);
  }

 private:
  uint8_t matrix_;
  bool identity_;
  Weights weights_;
  std::array<double, 3> zero_{}, step_{};
};

}  // namespace

bool luma_is_gray(const YuvPlanes& planes) {
  const uint8_t matrix = planes.colour.matrix;
  return !planes.has_chroma || matrix == kUnspecified || matrix == kBt470 || matrix == kBt601;
}

void luma_row(const YuvPlanes& planes, uint32_t y, uint32_t width, uint8_t* gray) {
  const YuvPlanes::Plane& luma = planes.planes[0];
  const uint8_t* row = luma.samples + static_cast<ptrdiff_t>(y) * luma.stride_bytes;
  const unsigned bits = std::clamp<unsigned>(luma.bits, 8, 16);
  const auto [scale, offset] = stretch_of(bits, planes.colour.full_range);
  if (luma.bits > 8)
    stretch_words(reinterpret_cast<const uint16_t*>(row), gray, width, scale, offset);
  else if (planes.colour.full_range)
    memcpy(gray, row, width);
  else
    stretch_bytes(row, gray, width, scale, offset);
}

void rgb_row(const YuvPlanes& planes, uint32_t y, uint32_t width, uint8_t* rgb) {
  if (!planes.has_chroma) {
    luma_row(planes, y, width, rgb);
    for (size_t x = width; x-- > 0;) memset(rgb + 3 * x, rgb[x], 3);
    return;
  }
  const ToRgb to_rgb(planes);
  const size_t chroma_y = y >> planes.chroma_shift_y;
  for (size_t x = 0; x < width; ++x) {
    const size_t chroma_x = x >> planes.chroma_shift_x;
    to_rgb.put(sample_at(planes.planes[0], x, y), sample_at(planes.planes[1], chroma_x, chroma_y),
               sample_at(planes.planes[2], chroma_x, chroma_y), rgb + 3 * x);
  }
}

}  // namespace pairloom::workerproc
