#include "workerproc/decode/raster.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

// A picture's memory is reused from file to file; what a giant left is given back when a smaller one comes.
constexpr size_t kKeepBytes = 64u << 20;

uint8_t to_gray(unsigned r, unsigned g, unsigned b) {
  return static_cast<uint8_t>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}
// value * alpha / 255 on white, rounded to nearest.
uint8_t on_white(unsigned value, unsigned alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

template <size_t kStep, size_t kRed, size_t kBlue>
inline void gray_line(const uint8_t* in, uint8_t* out, size_t width) {
  for (size_t x = 0; x < width; ++x) out[x] = to_gray(in[x * kStep + kRed], in[x * kStep + 1], in[x * kStep + kBlue]);
}
template <size_t kStep, size_t kRed, size_t kBlue>
inline void gray_line_on_white(const uint8_t* in, uint8_t* out, size_t width) {
  for (size_t x = 0; x < width; ++x) {
    const uint8_t gray = to_gray(in[x * kStep + kRed], in[x * kStep + 1], in[x * kStep + kBlue]);
    out[x] = on_white(gray, in[x * kStep + 3]);
  }
}

PAIRLOOM_CLONES void rgb_to_gray(const uint8_t* in, uint8_t* out, size_t width) {
  gray_line<3, 0, 2>(in, out, width);
}
PAIRLOOM_CLONES void bgr_to_gray(const uint8_t* in, uint8_t* out, size_t width) {
  gray_line<3, 2, 0>(in, out, width);
}
PAIRLOOM_CLONES void rgba_to_gray(const uint8_t* in, uint8_t* out, size_t width) {
  gray_line_on_white<4, 0, 2>(in, out, width);
}
PAIRLOOM_CLONES void bgra_to_gray(const uint8_t* in, uint8_t* out, size_t width) {
  gray_line_on_white<4, 2, 0>(in, out, width);
}
PAIRLOOM_CLONES void gray_alpha_to_gray(const uint8_t* in, uint8_t* out, size_t width) {
  for (size_t x = 0; x < width; ++x) out[x] = on_white(in[2 * x], in[2 * x + 1]);
}

void to_gray_line(Samples samples, const uint8_t* in, uint8_t* out, size_t width) {
  switch (samples) {
    case Samples::kGray:
      memcpy(out, in, width);
      break;
    case Samples::kGrayAlpha:
      gray_alpha_to_gray(in, out, width);
      break;
    case Samples::kRgb:
      rgb_to_gray(in, out, width);
      break;
    case Samples::kBgr:
      bgr_to_gray(in, out, width);
      break;
    case Samples::kRgba:
      rgba_to_gray(in, out, width);
      break;
    case Samples::kBgra:
      bgra_to_gray(in, out, width);
      break;
  }
}

// In the order B, G, R; `red` is 0 for RGB input and 2 for BGR.
void colour_line(const uint8_t* in, uint8_t* out, size_t width, size_t step, size_t red) {
  for (size_t x = 0; x < width; ++x, in += step, out += 3) {
    out[0] = in[2 - red];
    out[1] = in[1];
    out[2] = in[red];
  }
}
void colour_line_on_white(const uint8_t* in, uint8_t* out, size_t width, size_t red) {
  for (size_t x = 0; x < width; ++x, in += 4, out += 3) {
    out[0] = on_white(in[2 - red], in[3]);
    out[1] = on_white(in[1], in[3]);
    out[2] = on_white(in[red], in[3]);
  }
}

void to_bgr_line(Samples samples, const uint8_t* in, uint8_t* out, size_t width) {
  switch (samples) {
    case Samples::kGray:
      for (size_t x = 0; x < width; ++x) memset(out + 3 * x, in[x], 3);
      break;
    case Samples::kGrayAlpha:
      for (size_t x = 0; x < width; ++x) memset(out + 3 * x, on_white(in[2 * x], in[2 * x + 1]), 3);
      break;
    case Samples::kRgb:
      colour_line(in, out, width, 3, 0);
      break;
    case Samples::kBgr:
      memcpy(out, in, 3 * width);
      break;
    case Samples::kRgba:
      colour_line_on_white(in, out, width, 0);
      break;
    case Samples::kBgra:
      colour_line_on_white(in, out, width, 2);
      break;
  }
}

void to_rgba_line(Samples samples, const uint8_t* in, uint8_t* out, size_t width) {
  const auto put = [&out](uint8_t r, uint8_t g, uint8_t b, uint8_t a) {
    out[0] = r;
    out[1] = g;
    out[2] = b;
    out[3] = a;
    out += 4;
  };
  switch (samples) {
    case Samples::kGray:
      for (size_t x = 0; x < width; ++x) put(in[x], in[x], in[x], 255);
      break;
    case Samples::kGrayAlpha:
      for (size_t x = 0; x < width; ++x, in += 2) put(in[0], in[0], in[0], in[1]);
      break;
    case Samples::kRgb:
      for (size_t x = 0; x < width; ++x, in += 3) put(in[0], in[1], in[2], 255);
      break;
    case Samples::kBgr:
      for (size_t x = 0; x < width; ++x, in += 3) put(in[2], in[1], in[0], 255);
      break;
    case Samples::kRgba:
      memcpy(out, in, 4 * width);
      break;
    case Samples::kBgra:
      for (size_t x = 0; x < width; ++x, in += 4) put(in[2], in[1], in[0], in[3]);
      break;
  }
}

PAIRLOOM_CLONES void add_line(const uint8_t* __restrict line, uint16_t* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] = static_cast<uint16_t>(sums[i] + line[i]);
}

// Means of `kReduction` columns times `rows` rows for the blocks that are whole.
template <unsigned kReduction>
inline void emit_gray(const uint16_t* __restrict sums, uint8_t* __restrict out, size_t count, unsigned rows) {
  const unsigned area = kReduction * rows;
  for (size_t x = 0; x < count; ++x) {
    unsigned sum = area / 2;
    for (unsigned i = 0; i < kReduction; ++i) sum += sums[x * kReduction + i];
    out[x] = static_cast<uint8_t>(rows == kReduction ? sum / (kReduction * kReduction) : sum / area);
  }
}
PAIRLOOM_CLONES void emit_gray2(const uint16_t* sums, uint8_t* out, size_t n, unsigned rows) {
  emit_gray<2>(sums, out, n, rows);
}
PAIRLOOM_CLONES void emit_gray4(const uint16_t* sums, uint8_t* out, size_t n, unsigned rows) {
  emit_gray<4>(sums, out, n, rows);
}
PAIRLOOM_CLONES void emit_gray8(const uint16_t* sums, uint8_t* out, size_t n, unsigned rows) {
  emit_gray<8>(sums, out, n, rows);
}

// Where channel `channel` (red, green, blue, alpha; or gray, alpha) lies within a pixel.
size_t place_of(Samples samples, size_t channel) {
  const bool swapped = samples == Samples::kBgr || samples == Samples::kBgra;
  return swapped && channel < 3 ? 2 - channel : channel;
}

// `in` is at the first pixel's first channel; nothing behind the last pixel is read.
template <size_t kStep>
inline __attribute__((always_inline)) void pick(const uint8_t* in, size_t place, uint8_t* __restrict out,
                                                size_t width) {
  for (size_t x = 0; x < width; ++x) out[x] = in[x * kStep + place];
}
PAIRLOOM_CLONES void pick_of_four(const uint8_t* in, size_t place, uint8_t* __restrict out, size_t width) {
  switch (place) {  // a number that the compiler knows becomes a shuffle
    case 0:
      return pick<4>(in, 0, out, width);
    case 1:
      return pick<4>(in, 1, out, width);
    case 2:
      return pick<4>(in, 2, out, width);
    default:
      return pick<4>(in, 3, out, width);
  }
}

template <class Sample>
void pick_channel(const Sample* in, size_t step, size_t place, Sample* out, size_t width) {
  for (size_t x = 0; x < width; ++x) out[x] = in[x * step + place];
}

}  // namespace

void convert_line(Samples samples, const uint8_t* in, PixelLayout layout, uint8_t* out, size_t width) {
  switch (layout) {
    case PixelLayout::kGray:
      return to_gray_line(samples, in, out, width);
    case PixelLayout::kBgr:
      return to_bgr_line(samples, in, out, width);
    case PixelLayout::kRgba:
      return to_rgba_line(samples, in, out, width);
    case PixelLayout::kChannel:
      return;  // as convert_row() does it
  }
}

void convert_row(Samples samples, const uint8_t* in, Picture& picture, uint8_t* out, size_t width) {
  if (picture.layout != PixelLayout::kChannel) return convert_line(samples, in, picture.layout, out, width);
  const size_t step = bytes_per_pixel(samples);
  picture.channels = static_cast<uint8_t>(step);
  // decode() refuses a channel that is not there, once all is read.
  const size_t place = place_of(samples, std::min<size_t>(picture.channel, step - 1));
  if (picture.bits_per_sample == 16)
    pick_channel(reinterpret_cast<const uint16_t*>(in), step, place, reinterpret_cast<uint16_t*>(out), width);
  else if (step == 1)
    memcpy(out, in, width);
  else if (step == 4)
    pick_of_four(in, place, out, width);
  else
    pick_channel(in, step, place, out, width);
}

uint8_t choose_reduction(uint32_t width_px, uint32_t height_px, uint32_t min_short_side_px) {
  if (min_short_side_px == 0) return 1;
  const uint32_t short_side = std::min(width_px, height_px);
  uint8_t reduction = 8;
  while (reduction > 1 && short_side / reduction < min_short_side_px) reduction = static_cast<uint8_t>(reduction / 2);
  return reduction;
}

Result<> begin_picture(Picture& picture, const DecodeRequest& request, std::string_view format, uint64_t width_px,
                       uint64_t height_px, size_t file_bytes, uint32_t bits) {
  if (width_px == 0 || height_px == 0)
    return fail(Errc::kCorrupt, fmt::format("{}: {}x{} pixels: there is no picture", format, width_px, height_px));
  if (width_px > kMaxSidePx || height_px > kMaxSidePx)
    return fail(Errc::kTooLarge,
                fmt::format("{}: {}x{} pixels exceed the limit of {} a side", format, width_px, height_px, kMaxSidePx));
  const uint64_t pixels = width_px * height_px;
  if (pixels > request.max_pixels)
    return fail(Errc::kTooLarge, fmt::format("{}: {}x{} pixels exceed the limit of {}", format, width_px, height_px,
                                             request.max_pixels));
  if (pixels > kBombMinPixels && pixels / kBombPixelsPerByte > file_bytes)
    return fail(Errc::kTooLarge, fmt::format("{}: claims {}x{} pixels in {} bytes: not believable", format, width_px,
                                             height_px, file_bytes));

  picture.full_width_px = static_cast<uint32_t>(width_px);
  picture.full_height_px = static_cast<uint32_t>(height_px);
  picture.layout = request.layout;
  // A mean of straight alpha pixels would be wrong, and a channel is wanted as it is stored.
  const bool one_channel = request.layout == PixelLayout::kChannel;
  const bool reducible = request.layout != PixelLayout::kRgba && !one_channel;
  picture.bits_per_sample = one_channel && bits == 16 ? 16 : 8;
  picture.channel = request.channel;
  picture.reduction =
      choose_reduction(picture.full_width_px, picture.full_height_px, reducible ? request.min_short_side_px : 0);
  picture.width_px = reduced(picture.full_width_px, picture.reduction);
  picture.height_px = reduced(picture.full_height_px, picture.reduction);
  picture.stride_bytes = picture.width_px * channels_of(request.layout) * (picture.bits_per_sample / 8u);
  const size_t bytes = size_t{picture.stride_bytes} * picture.height_px;
  if (picture.pixels.size() > kKeepBytes && bytes <= kKeepBytes) std::vector<uint8_t>().swap(picture.pixels);
  if (picture.pixels.size() < bytes) {
    picture.pixels.clear();  // growing a full vector would copy what nobody reads
    picture.pixels.resize(bytes);
  }
  return {};
}

RowWriter::RowWriter(Picture& picture, Samples samples)
    : picture_(picture), samples_(samples), channels_(channels_of(picture.layout)) {
  picture.is_gray = samples == Samples::kGray || samples == Samples::kGrayAlpha;
  if (picture.reduction == 1) return;
  line_.resize(size_t{picture.full_width_px} * channels_);
  sums_.resize(line_.size());
}

void RowWriter::write(const uint8_t* row) {
  if (rows_ == picture_.full_height_px) return;
  const size_t width = picture_.full_width_px;
  const bool same = samples_ == (channels_ == 1 ? Samples::kGray : Samples::kBgr);
  const bool direct = picture_.reduction == 1;
  if (direct || !same) {
    uint8_t* out = direct ? picture_.pixels.data() + size_t{rows_} * picture_.stride_bytes : line_.data();
    convert_row(samples_, row, picture_, out, width);
  }
  if (!direct) add_to_block(same ? row : line_.data());
  ++rows_;
}

void RowWriter::add_to_block(const uint8_t* line) {
  add_line(line, sums_.data(), sums_.size());
  ++block_rows_;
  if (block_rows_ == picture_.reduction || rows_ + 1 == picture_.full_height_px) emit_block();
}

void RowWriter::emit_block() {
  const size_t reduction = picture_.reduction, width = picture_.full_width_px, whole = width / reduction;
  uint8_t* out = picture_.pixels.data() + size_t{rows_} / reduction * picture_.stride_bytes;
  size_t first = 0;  // columns of blocks done by the fast path
  if (channels_ == 1) {
    (reduction == 2 ? emit_gray2 : reduction == 4 ? emit_gray4 : emit_gray8)(sums_.data(), out, whole, block_rows_);
    first = whole;
  }
  for (size_t x = first; x < picture_.width_px; ++x) {
    const size_t columns = std::min(reduction, width - x * reduction);
    const size_t area = columns * block_rows_;
    for (size_t c = 0; c < channels_; ++c) {
      size_t sum = area / 2;
      for (size_t i = 0; i < columns; ++i) sum += sums_[(x * reduction + i) * channels_ + c];
      out[x * channels_ + c] = static_cast<uint8_t>(sum / area);
    }
  }
  std::fill(sums_.begin(), sums_.end(), uint16_t{0});
  block_rows_ = 0;
}

}  // namespace pairloom::workerproc
