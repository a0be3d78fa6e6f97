#include "tests/fuzz/jpeg_agreement.h"

namespace pairloom::test {

std::string JpegAgreement::check(std::span<const std::byte> bytes, int reduction) {
  const auto answer = decoder_.decode(bytes, reduction, raster_);
  const std::string where = "at 1/" + std::to_string(reduction) + ": ";
  const auto scale = static_cast<uint64_t>(reduction);
  if (answer == workerproc::ReducedJpeg::kDone && raster_.width * scale * raster_.height * scale > max_pixels_)
    return {};  // it has been run; the rest would take too long
  reference_.decode(bytes, reduction, picture_);
  if (answer == workerproc::ReducedJpeg::kDeclined) {
    ++(!picture_.decoded        ? counts_.declined_failed
       : picture_.warnings != 0 ? counts_.declined_warned
                                : counts_.declined_clean);
    return {};
  }
  if (!picture_.decoded || picture_.warnings != 0) {
    // The one exception: AC scans of a progressive file are passed over.
    if (picture_.progressive && picture_.decoded && picture_.only_entropy_warnings) {
      ++counts_.done_unseen;
      return {};
    }
    return where + "done, but libjpeg-turbo says: " + picture_.message;
  }
  if (raster_.width != picture_.width || raster_.height != picture_.height)
    return where + std::to_string(raster_.width) + "x" + std::to_string(raster_.height) + " instead of " +
           std::to_string(picture_.width) + "x" + std::to_string(picture_.height);
  for (size_t y = 0; y < raster_.height; ++y)
    for (size_t x = 0; x < raster_.width; ++x) {
      const uint8_t ours = raster_.pixels[y * raster_.stride + x], theirs = picture_.pixels[y * picture_.width + x];
      if (ours != theirs)
        return where + "pixel (" + std::to_string(x) + ", " + std::to_string(y) + ") is " + std::to_string(ours) +
               " instead of " + std::to_string(theirs);
    }
  ++counts_.done;
  return {};
}

std::string JpegAgreement::check(std::span<const std::byte> bytes) {
  for (const int reduction : {8, 4, 2, 1})
    if (std::string wrong = check(bytes, reduction); !wrong.empty()) return wrong;
  return {};
}

}  // namespace pairloom::test
