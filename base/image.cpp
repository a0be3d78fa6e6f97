#include "base/image.h"

#include <array>

namespace pairloom {

std::string_view name_of(ImageFormat format) {
  static constexpr std::array<std::string_view, kImageFormatCount> kNames = {
      "unknown", "jpeg", "png", "webp", "tiff", "gif", "bmp", "pnm", "heif", "avif", "jxl", "jp2", "raw", "psd", "ico"};
  return kNames[static_cast<size_t>(format)];
}

std::string_view name_of(Outcome outcome) {
  static constexpr std::array<std::string_view, kOutcomeCount> kNames = {
      "indexed",   "not_image", "unreadable", "unsupported",       "corrupt",
      "too_large", "timed_out", "crashed",    "changed_while_read"};
  return kNames[static_cast<size_t>(outcome)];
}

}  // namespace pairloom
