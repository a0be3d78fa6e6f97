// Words for images and files that the worker, the index and the CLI share. Runs in: any process.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

struct stat;  // <sys/stat.h>

namespace pairloom {

// Stable numbers: stored in the index, cross processes. Told apart by content (workerproc/decode/sniff.h), never by
// name.
enum class ImageFormat : uint8_t {
  kUnknown = 0,
  kJpeg = 1,
  kPng = 2,
  kWebp = 3,
  kTiff = 4,
  kGif = 5,
  kBmp = 6,
  kPnm = 7,
  kHeif = 8,
  kAvif = 9,
  kJxl = 10,
  kJp2 = 11,
  kRaw = 12,
  kPsd = 13,
  kIco = 14
};
constexpr uint8_t kImageFormatCount = 15;
std::string_view name_of(ImageFormat format);  // "jpeg"

// What became of a file. Stable numbers: stored in the index, cross processes.
enum class Outcome : uint8_t {
  kIndexed = 0,      // decoded; its content and codes are in the index
  kNotImage = 1,     // no known image format; remembered, not a failure
  kUnreadable = 2,   // open or read failed (permission, I/O error, vanished)
  kUnsupported = 3,  // an image of a format or variant this build does not decode
  kCorrupt = 4,      // an image by its first bytes, but it does not decode
  kTooLarge = 5,     // over a limit (file bytes, pixels)
  kTimedOut = 6,     // the worker passed its deadline twice
  kCrashed = 7,      // the worker died twice with this file in hand
  kChanged = 8,      // changed while it was read; looked at again in the next run
};
constexpr uint8_t kOutcomeCount = 9;
std::string_view name_of(Outcome outcome);  // "not_image"
// True for what a user calls "unreadable": everything but kIndexed and kNotImage.
constexpr bool is_failure(Outcome o) {
  return o != Outcome::kIndexed && o != Outcome::kNotImage;
}

// How much of the picture is decoded before hashing.
enum class Accuracy : uint8_t { kFast = 0, kDefault = 1, kFull = 2 };

// XXH3-128 of a file's bytes.
struct Digest {
  uint64_t lo = 0, hi = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

// What stat says about a file; equal = "not changed since". Times in nanoseconds since 1970.
struct StatIdentity {
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t mtime_ns = 0, ctime_ns = 0;
  friend bool operator==(const StatIdentity&, const StatIdentity&) = default;
};
StatIdentity identity_of(const struct stat& st);

// What a worker learns about an image besides its codes.
struct ImageInfo {
  ImageFormat format = ImageFormat::kUnknown;
  uint32_t width_px = 0, height_px = 0;  // as shown: EXIF orientation applied
  uint8_t orientation = 1;               // EXIF 1..8 as found in the file
  uint8_t quality = 0;     // PDQ's quality measure, 0..100: how much there is to hash; 0 also if PDQ was not asked for
  uint8_t reduction = 1;   // decoded at 1/reduction: 1, 2, 4, 8
  bool animated = false;   // more than one frame; the first was taken
  bool has_alpha = false;  // composited on white (docs/design.md)
  bool damaged = false;    // decoded, but the decoder warned (the message says what)
};

}  // namespace pairloom
