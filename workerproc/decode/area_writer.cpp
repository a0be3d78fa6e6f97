#include "workerproc/decode/area_writer.h"

#include <algorithm>
#include <cstring>

namespace pairloom::workerproc {

AreaWriter::AreaWriter(Picture& picture, Samples samples)
    : picture_(picture),
      samples_(samples),
      channels_(channels_of(picture.layout)),
      pixel_bytes_(picture.stride_bytes / picture.width_px) {
  picture.is_gray = samples == Samples::kGray || samples == Samples::kGrayAlpha;
  std::fill_n(picture.pixels.begin(), size_t{picture.stride_bytes} * picture.height_px, uint8_t{0});
  line_.resize(picture.full_width_px * pixel_bytes_);
  if (picture.reduction > 1) sums_.resize(size_t{picture.stride_bytes} * picture.height_px);
}

void AreaWriter::write(size_t x, size_t y, size_t count, const uint8_t* pixels, size_t step) {
  if (y >= picture_.full_height_px || x >= picture_.full_width_px) return;
  count = std::min(count, (picture_.full_width_px - x + step - 1) / step);
  pixels_ += count;
  const size_t reduction = picture_.reduction;
  if (reduction == 1) {
    uint8_t* out = &picture_.pixels[y * picture_.stride_bytes + x * pixel_bytes_];
    convert_row(samples_, pixels, picture_, step == 1 ? out : line_.data(), count);
    for (size_t i = 0; step > 1 && i < count; ++i)
      memcpy(out + i * step * pixel_bytes_, &line_[i * pixel_bytes_], pixel_bytes_);
    return;
  }
  convert_row(samples_, pixels, picture_, line_.data(), count);
  uint16_t* sums = &sums_[y / reduction * picture_.stride_bytes];
  for (size_t i = 0; i < count; ++i)
    for (size_t c = 0; c < channels_; ++c) {
      uint16_t& sum = sums[(x + i * step) / reduction * channels_ + c];
      sum = static_cast<uint16_t>(sum + line_[i * channels_ + c]);
    }
}

void AreaWriter::finish() {
  const size_t reduction = picture_.reduction;
  for (size_t y = 0; y < picture_.height_px && reduction > 1; ++y) {
    const size_t rows = std::min(reduction, picture_.full_height_px - y * reduction);
    for (size_t x = 0; x < picture_.width_px; ++x) {
      const size_t area = rows * std::min(reduction, picture_.full_width_px - x * reduction);
      for (size_t c = 0; c < channels_; ++c) {
        const size_t at = y * picture_.stride_bytes + x * channels_ + c;
        picture_.pixels[at] = static_cast<uint8_t>((sums_[at] + area / 2) / area);
      }
    }
  }
}

namespace {

// What is left when rows come at 1/2^levels.
Picture& left_to_do(Picture& picture, uint32_t levels) {
  picture.full_width_px = reduced(picture.full_width_px, 1u << levels);
  picture.full_height_px = reduced(picture.full_height_px, 1u << levels);
  picture.reduction = static_cast<uint8_t>(picture.reduction >> levels);
  return picture;
}

}  // namespace

ReducedRowWriter::ReducedRowWriter(Picture& picture, Samples samples, uint32_t levels, uint32_t row_px)
    : picture_(picture),
      full_width_px_(picture.full_width_px),
      full_height_px_(picture.full_height_px),
      row_px_(row_px),
      reduction_(picture.reduction),
      pixel_bytes_(bytes_per_pixel(samples) * (picture.bits_per_sample / 8u)),
      writer_(left_to_do(picture, levels), samples) {
  row_.resize(picture.full_width_px * pixel_bytes_);
}

void ReducedRowWriter::write(const uint8_t* row) {
  const size_t width = picture_.full_width_px, given = std::min<size_t>(row_px_, width);
  memcpy(row_.data(), row, given * pixel_bytes_);
  for (size_t x = given; x < width; ++x)
    memcpy(&row_[x * pixel_bytes_], &row_[(given - 1) * pixel_bytes_], pixel_bytes_);
  writer_.write(row_.data());
}

void ReducedRowWriter::finish() {
  while (writer_.rows_written() < picture_.full_height_px) writer_.write(row_.data());
  picture_.full_width_px = full_width_px_;
  picture_.full_height_px = full_height_px_;
  picture_.reduction = reduction_;
}

}  // namespace pairloom::workerproc
