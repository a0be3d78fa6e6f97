#include "base/image.h"

#include <sys/stat.h>

#include <array>

namespace pairloom {

StatIdentity identity_of(const struct stat& st) {
  const auto ns = [](const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  return {st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_size), ns(st.st_mtim), ns(st.st_ctim)};
}

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
