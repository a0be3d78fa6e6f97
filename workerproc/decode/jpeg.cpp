// JPEG: gray pictures by our own decoder (jpeg_scan.h), all else and all doubt by libjpeg-turbo through its
// TurboJPEG interface, which keeps libjpeg's longjmp to itself. Both decode straight to gray and to 1/2, 1/4, 1/8. Default flags: TJPF_BGR is then bit-identical with cv::imread.
#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <jconfig.h>
#include <turbojpeg.h>

#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/exif.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/jpeg_scan.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr uint32_t kMaxJpegSidePx = 65500;  // JPEG_MAX_DIMENSION of libjpeg

constexpr uint8_t kStartOfScan = 0xDA, kEndOfImage = 0xD9;

// What the markers before the first scan say that TurboJPEG does not.
struct Markers {
  uint8_t frame = 0;  // SOFn marker code, 0 = none seen
  uint32_t precision_bits = 8, width = 0, height = 0, components = 0;
  uint8_t orientation = 1;
  bool is_sequential() const { return frame == 0xC0 || frame == 0xC1; }
};

// A marker that no length follows: TEM, RSTn, SOI.
bool stands_alone(uint32_t code) {
  return code == 0x01 || (code >= 0xD0 && code <= 0xD8);
}

// ITU-T T.81 (JPEG), annex B: markers 0xFF xx, most followed by a big-endian length that counts itself.
Markers read_markers(std::span<const std::byte> file) {
  constexpr uint32_t kApp1 = 0xE1;
  const ByteReader reader(file, true);
  Markers markers;
  size_t at = 2;
  while (reader.u8(at) == 0xFFu) {
    const uint32_t code = reader.u8(at + 1).value_or(kEndOfImage);
    if (code == 0xFF) {
      ++at;
      continue;
    }  // fill byte
    if (code == kStartOfScan || code == kEndOfImage) break;
    const bool alone = stands_alone(code);
    const uint32_t length = alone ? 0 : reader.u16(at + 2).value_or(0);
    if (!alone && length < 2) break;
    const bool is_frame = code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC;
    if (is_frame && markers.frame == 0) {
      markers.frame = static_cast<uint8_t>(code);
      markers.precision_bits = reader.u8(at + 4).value_or(8);
      markers.height = reader.u16(at + 5).value_or(0);
      markers.width = reader.u16(at + 7).value_or(0);
      markers.components = reader.u8(at + 9).value_or(0);
    }
    const auto body = reader.slice(at + 4, length > 2 ? length - 2 : 0);
    if (code == kApp1 && ByteReader(body).starts_with(std::string_view("Exif\0\0", 6)))
      markers.orientation = exif_orientation(body);
    at += 2 + length;
  }
  return markers;
}

// How many scans libjpeg would decode. One where the first holds all components and the file is not progressive: what
// comes behind that is not looked at.
uint64_t scans_to_decode(std::span<const std::byte> file, const Markers& markers) {
  const ByteReader reader(file, true);
  uint64_t scans = 0;
  size_t at = 2;
  while (at < file.size()) {
    const void* found = std::memchr(file.data() + at, 0xFF, file.size() - at);
    if (found == nullptr) break;
    at = static_cast<size_t>(static_cast<const std::byte*>(found) - file.data());
    const uint32_t code = reader.u8(at + 1).value_or(kEndOfImage);
    if (code == kEndOfImage) break;
    if (code == 0xFF) {
      ++at;
    } else if (code == 0 || stands_alone(code)) {
      at += 2;
    } else {
      if (code == kStartOfScan && ++scans == 1 && markers.is_sequential() &&
          reader.u8(at + 4).value_or(0) >= markers.components)
        break;
      at += 2 + std::max<size_t>(2, reader.u16(at + 2).value_or(2));
    }
  }
  return scans;
}

// The variants of T.81 that hardly any program writes are refused by name instead of by whatever the library says.
std::optional<std::string> unsupported_reason(const Markers& markers) {
  switch (markers.frame) {
    case 0:  // none found: the library says why
    case 0xC0:
    case 0xC1:
    case 0xC2:
      break;
    case 0xC3:
      return "lossless coding";
    case 0xC9:
    case 0xCA:
      return "arithmetic coding";
    default:
      return fmt::format("coding process SOF{}", markers.frame - 0xC0);
  }
  if (markers.precision_bits != 8) return fmt::format("{} bits a sample", markers.precision_bits);
  return std::nullopt;
}

// One handle for all files: its tables are made once. But TurboJPEG 2.1 leaves a handle in the middle of the file that
// failed in tjDecompressHeader3, and every later file then fails too ("Bogus DQT index"): after an error comes a fresh
// one.
class Decompressor {
 public:
  Decompressor() = default;
  ~Decompressor() { discard(); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // Null if there is no memory for it.
  tjhandle get() {
    if (handle_ == nullptr) handle_ = tjInitDecompress();
    return handle_;
  }
  // The error of the last call, whose handle is gone afterwards.
  tl::unexpected<Error> corrupt() {
    auto error = fail(Errc::kCorrupt, fmt::format("JPEG: {}", tjGetErrorStr2(handle_)));
    discard();
    return error;
  }

 private:
  void discard() {
    if (handle_ != nullptr) tjDestroy(handle_);
    handle_ = nullptr;
  }

  tjhandle handle_ = nullptr;
};

struct Header {
  int width = 0, height = 0, colour_space = -1;
};

Result<Header> read_header(Decompressor& decompressor, std::span<const std::byte> file) {
  Header header;
  int subsampling = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(file.data());
  const int status = tjDecompressHeader3(decompressor.get(), bytes, file.size(), &header.width, &header.height,
                                         &subsampling, &header.colour_space);
  // It also fails for a sampling that has no name in its enum, which it decodes all the same: the sizes are set by
  // then.
  if (status != 0 && (header.width <= 0 || header.height <= 0 || header.colour_space < 0))
    return decompressor.corrupt();
  if (header.width <= 0 || header.height <= 0) return fail(Errc::kCorrupt, "JPEG: tables only, no picture");
  return header;
}

// Decodes at picture's reduction into `out`, rows `stride` bytes apart. A warning (damaged or truncated data) leaves a
// whole picture, and marks it.
Result<> decompress(Decompressor& decompressor, std::span<const std::byte> file, TJPF format, uint8_t* out,
                    size_t stride, Picture& picture) {
  const tjhandle handle = decompressor.get();
  const auto* bytes = reinterpret_cast<const unsigned char*>(file.data());
  if (tjDecompress2(handle, bytes, file.size(), out, static_cast<int>(picture.width_px), static_cast<int>(stride),
                    static_cast<int>(picture.height_px), format, 0) == 0)
    return {};
  if (tjGetErrorCode(handle) != TJERR_WARNING) return decompressor.corrupt();
  picture.damaged = true;
  picture.warning = fmt::format("JPEG: {}", tjGetErrorStr2(handle));
  return {};
}

// CMYK as every known writer stores it: inverted (Adobe). A channel times black, with OpenCV's rounding (imgcodecs
// utils.cpp, icvCvt_CMYK2BGR_8u_C4C3R), so that dhash-tutorial agrees here too.
void cmyk_to_bgr(const uint8_t* cmyk, uint8_t* bgr, size_t width) {
  for (size_t x = 0; x < width; ++x, cmyk += 4, bgr += 3)
    for (size_t c = 0; c < 3; ++c) bgr[2 - c] = static_cast<uint8_t>(cmyk[3] - ((255 - cmyk[c]) * cmyk[3] >> 8));
}

Result<> decompress_cmyk(Decompressor& decompressor, std::span<const std::byte> file, Picture& picture) {
  const size_t width = picture.width_px;
  std::vector<uint8_t> cmyk(width * picture.height_px * 4), bgr(width * 3);
  PAIRLOOM_TRY(decompress(decompressor, file, TJPF_CMYK, cmyk.data(), width * 4, picture));
  for (size_t y = 0; y < picture.height_px; ++y) {
    uint8_t* out = picture.pixels.data() + y * picture.stride_bytes;
    cmyk_to_bgr(&cmyk[y * width * 4], bgr.data(), width);
    convert_row(Samples::kBgr, bgr.data(), picture, out, width);
  }
  return {};
}

Result<> decompress_channel(Decompressor& decompressor, std::span<const std::byte> file, Picture& picture) {
  const size_t width = picture.width_px;
  std::vector<uint8_t> bgr(width * picture.height_px * 3);
  PAIRLOOM_TRY(decompress(decompressor, file, TJPF_BGR, bgr.data(), width * 3, picture));
  for (size_t y = 0; y < picture.height_px; ++y)
    convert_row(Samples::kBgr, &bgr[y * width * 3], picture, picture.pixels.data() + y * picture.stride_bytes, width);
  return {};
}

// The same pixels as libjpeg-turbo's, sooner; what our own decoder cannot do or doubts is left to the library.
bool decode_gray(std::span<const std::byte> file, Picture& picture) {
  thread_local ReducedJpegDecoder decoder;
  thread_local GrayRaster raster;
  if (decoder.decode(file, picture.reduction, raster) != ReducedJpeg::kDone) return false;
  if (raster.width != picture.width_px || raster.height != picture.height_px) return false;
  picture.pixels.swap(raster.pixels);
  picture.stride_bytes = raster.stride;
  return true;
}

}  // namespace

Result<> decode_jpeg(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  const Markers markers = read_markers(file);
  if (const auto reason = unsupported_reason(markers))
    return fail(Errc::kUnsupported, fmt::format("JPEG: {} is not supported", *reason));

  if (std::max(markers.width, markers.height) > kMaxJpegSidePx)
    return fail(Errc::kTooLarge, fmt::format("JPEG: {}x{} pixels exceed the limit of {} a side", markers.width,
                                             markers.height, kMaxJpegSidePx));

  // What our own decoder has read needs no second opinion; what it declines, and all errors, are the library's.
  if (markers.frame != 0 && request.layout == PixelLayout::kGray &&
      begin_picture(picture, request, "JPEG", markers.width, markers.height, file.size()) && decode_gray(file, picture)) {
    picture.orientation = markers.orientation;
    picture.is_gray = markers.components == 1;
    return {};
  }

  thread_local Decompressor decompressor;
  if (decompressor.get() == nullptr) return fail(Errc::kTooLarge, "JPEG: no memory for the decoder");
  PAIRLOOM_ASSIGN(const Header header, read_header(decompressor, file));
  PAIRLOOM_TRY(begin_picture(picture, request, "JPEG", static_cast<uint64_t>(header.width),
                             static_cast<uint64_t>(header.height), file.size()));
  picture.orientation = markers.orientation;
  picture.is_gray = header.colour_space == TJCS_GRAY;

  // Any number of scans, each as expensive as a whole picture.
  if (const uint64_t scans = scans_to_decode(file, markers); scans > request.max_scans)
    return fail(Errc::kTooLarge, fmt::format("JPEG: {} scans exceed the limit of {}", scans, request.max_scans));
  if (header.colour_space == TJCS_CMYK || header.colour_space == TJCS_YCCK)
    return decompress_cmyk(decompressor, file, picture);
  if (picture.layout == PixelLayout::kChannel && header.colour_space != TJCS_GRAY)
    return decompress_channel(decompressor, file, picture);
  static constexpr TJPF kFormats[] = {TJPF_GRAY, TJPF_BGR, TJPF_RGBA, TJPF_GRAY};
  const TJPF format = kFormats[static_cast<size_t>(picture.layout)];
  return decompress(decompressor, file, format, picture.pixels.data(), picture.stride_bytes, picture);
}

std::string jpeg_library() {
#define PAIRLOOM_TEXT_(x) #x
#define PAIRLOOM_TEXT(x) PAIRLOOM_TEXT_(x)
  return "libjpeg-turbo " PAIRLOOM_TEXT(LIBJPEG_TURBO_VERSION);
}

}  // namespace pairloom::workerproc
