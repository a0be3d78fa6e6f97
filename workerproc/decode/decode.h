// Bytes -> pixels, with the codec libraries themselves (no imgcodecs). Hostile input is the normal case here: every
// limit is checked on the header before a pixel is allocated. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/image.h"
#include "base/result.h"

namespace pairloom::workerproc {

// By content, never by name. kUnknown = not an image we have heard of. Needs at most the first kSniffBytes.
constexpr size_t kSniffBytes = 64;
ImageFormat sniff(std::span<const std::byte> head);
// "OpenEXR": an image all the same, of a format that nobody reads here (its ImageFormat is kUnknown). Empty for what is
// no image, and for formats that are read.
std::string_view name_of_unread(std::span<const std::byte> head);

enum class PixelLayout : uint8_t {
  kGray,     // 8 bits
  kBgr,      // 8 bits a channel, interleaved
  kRgba,     // 8 bits a channel, straight alpha, for those who keep transparency; never reduced
  kChannel,  // one channel as the file stores it, 16 bits where it has 16; nothing is composited or reduced
};
constexpr uint32_t channels_of(PixelLayout layout) {
  constexpr uint32_t kChannels[] = {1, 3, 4, 1};
  return kChannels[static_cast<size_t>(layout)];
}

struct DecodeRequest {
  PixelLayout layout = PixelLayout::kGray;
  uint32_t min_short_side_px =
      128;  // may be reduced by 2, 4, 8 while the short side stays at least this; 0 = full size
  uint64_t max_pixels = 400'000'000;
  uint64_t max_scans = 500;  // of a JPEG, where they have to be decoded
  uint64_t max_parts = 64;   // of a TIFF, that are looked at
  uint8_t channel = 0;  // kChannel: of red, green, blue, alpha; or of gray, alpha. kUnsupported if there is no such one
};

// A decoded picture as it lies in the file: extract/orientation.h says how it is shown. Rows are `stride_bytes` apart.
// A pixel of a reduced picture stands for `reduction` x `reduction` original ones (their mean), the last of a row or
// column for those that are left. Alpha is composited on white unless the layout has alpha (GIF: always), and 16 bits a
// sample are scaled to 8; but for kChannel.
struct Picture {
  std::vector<uint8_t> pixels;  // stride_bytes * height_px count; what a larger picture left behind may follow
  uint32_t width_px = 0, height_px = 0,
           stride_bytes = 0;                       // of the decoded (possibly reduced) raster, as stored in the file
  uint32_t full_width_px = 0, full_height_px = 0;  // of the file's raster
  uint32_t original_width_px = 0, original_height_px = 0;  // of what the raster is a smaller picture of, lying as it does;
                                                           // 0 = the raster is the original
  PixelLayout layout = PixelLayout::kGray;
  uint8_t bits_per_sample = 8;  // 16 with kChannel only: samples are then uint16_t, of native byte order
  uint8_t channel = 0;          // kChannel: which one; less than `channels` once decode() has succeeded
  uint8_t channels = 1;         // kChannel: of the file
  uint8_t reduction = 1;
  uint8_t orientation = 1;  // EXIF, not applied to `pixels`
  ImageFormat format = ImageFormat::kUnknown;
  bool animated = false, has_alpha = false, damaged = false;
  bool is_gray = false;     // the file holds no colours
  uint8_t stored_bits = 8;  // a sample, in the file
  std::string warning;  // first warning of the decoder
};

// Only JPEG is decoded as far as it goes when data is missing or wrong (`damaged`, with the decoder's first warning);
// in the other formats a row that cannot be read is kCorrupt. Reuses `picture`'s memory. Errors: kCorrupt,
// kUnsupported, kTooLarge, each with a reason for the user.
Result<> decode(std::span<const std::byte> file_bytes, const DecodeRequest& request, Picture& picture);
// What such an error makes of the file.
Outcome outcome_of(Errc decode_error);

// What `doctor` lists.
struct DecoderInfo {
  ImageFormat format;
  std::string library;
};  // "libjpeg-turbo 2.1.5"
std::vector<DecoderInfo> decoders();

// For a process that will not be able to open files later. prepare_decoders() takes care that no library starts threads
// or asks for the machine's properties while it decodes. A library that is slow to load (JPEG XL's) is loaded when a file
// first needs it, or by load_rare_decoders(); where neither can be any more, `leave` is called and must not return.
void prepare_decoders();
void load_rare_decoders();
void on_missing_decoder(void (*leave)());

}  // namespace pairloom::workerproc
