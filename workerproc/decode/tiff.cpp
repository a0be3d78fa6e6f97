// TIFF by libtiff, out of memory: the first page. Camera raws that look like TIFF are told apart here, by their tags.
#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <tiffio.h>

#include "workerproc/decode/area_writer.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/tiff_jpeg.h"
#include "workerproc/decode/tiff_rows.h"

namespace pairloom::workerproc {
namespace {

constexpr tmsize_t kMaxSingleAllocation = tmsize_t{1} << 30;

// One open file and what libtiff says about it.
struct Source {
  std::span<const std::byte> file;
  size_t at = 0;
  bool in_pixels = false;  // warnings before are about tags, not about the picture
  char error[200] = "", warning[200] = "";
};
Source& source_of(thandle_t handle) {
  return *static_cast<Source*>(handle);
}

tmsize_t on_read(thandle_t handle, void* data, tmsize_t size) {
  Source& source = source_of(handle);
  const size_t left = source.file.size() - std::min(source.at, source.file.size());
  const size_t count = std::min(static_cast<size_t>(std::max<tmsize_t>(size, 0)), left);
  if (count > 0) memcpy(data, source.file.data() + source.at, count);
  source.at += count;
  return static_cast<tmsize_t>(count);
}
tmsize_t on_write(thandle_t, void*, tmsize_t) {
  return -1;
}
toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  Source& source = source_of(handle);
  const toff_t base = whence == SEEK_CUR ? source.at : whence == SEEK_END ? source.file.size() : 0;
  source.at = base + offset;  // beyond the end is allowed: nothing is read there
  return source.at;
}
int on_close(thandle_t) {
  return 0;
}
toff_t on_size(thandle_t handle) {
  return source_of(handle).file.size();
}

int on_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& source = *static_cast<Source*>(user);
  if (source.error[0] == 0) vsnprintf(source.error, sizeof source.error, format, arguments);
  return 1;  // handled: nothing is printed
}
int on_warning(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& source = *static_cast<Source*>(user);
  if (source.in_pixels && source.warning[0] == 0) vsnprintf(source.warning, sizeof source.warning, format, arguments);
  return 1;
}

struct Close {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using Tiff = std::unique_ptr<TIFF, Close>;

Tiff open(Source& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxSingleAllocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, &source);
  return Tiff(TIFFClientOpenExt("file", "rm", &source, on_read, on_write, on_seek, on_close, on_size, nullptr, nullptr,
                                options.get()));
}

tl::unexpected<Error> corrupt(const Source& source) {
  return fail(Errc::kCorrupt, fmt::format("TIFF: {}", source.error[0] != 0 ? source.error : "damaged data"));
}

// Sensor data, or a preview in front of it. Photometric and compression codes: DNG 1.6, libtiff's tiff.h.
bool is_camera_raw(TIFF* tiff, const TiffLayout& layout) {
  constexpr uint32_t kDngVersion = 50706;
  constexpr uint16_t kSonyArw = 32767, kNikonNef = 34713, kPentaxPef = 65535, kLossyDng = 34892;
  if (layout.photometric == PHOTOMETRIC_CFA || layout.photometric == 34892) return true;  // 34892: LinearRaw
  for (const uint16_t raw : {kSonyArw, kNikonNef, kPentaxPef, kLossyDng})
    if (layout.compression == raw) return true;
  const void* bytes = nullptr;
  if (TIFFGetField(tiff, kDngVersion, &bytes) == 1) return true;
  uint32_t subfile = 0;
  uint16_t count = 0;
  const void* offsets = nullptr;
  const char* maker = nullptr;
  const bool preview = TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &subfile) == 1 && (subfile & FILETYPE_REDUCEDIMAGE) != 0;
  return preview && TIFFGetField(tiff, TIFFTAG_MAKE, &maker) == 1 &&
         TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &offsets) == 1;
}

// An allow list: what is old, rare or has a record of holes is left out.
bool is_known_compression(uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_LZMA:
    case COMPRESSION_ZSTD:
    case COMPRESSION_WEBP:
      return true;
    default:
      return false;
  }
}

Result<> check(const TiffLayout& layout) {
  if (!is_known_compression(layout.compression) || TIFFIsCODECConfigured(layout.compression) == 0)
    return fail(Errc::kUnsupported, fmt::format("TIFF: compression {} is not supported", layout.compression));
  if (layout.bits > 16 || (layout.sample_format != SAMPLEFORMAT_UINT && layout.sample_format != SAMPLEFORMAT_VOID))
    return fail(Errc::kUnsupported, fmt::format("TIFF: {} bits a sample, sample format {}: not supported", layout.bits,
                                                layout.sample_format));
  return {};
}

// `levels`: what `layout` describes is the picture at 1/2^levels.
Result<> read_rows(TIFF* tiff, Source& source, const TiffLayout& layout, TiffSamples& samples, uint32_t levels,
                   Picture& picture) {
  TiffRows rows(tiff, layout);
  PAIRLOOM_TRY(rows.begin());
  ReducedRowWriter writer(picture, samples.samples(), levels, layout.width);
  for (uint32_t y = 0; y < layout.height; ++y) {
    const uint8_t* stored = rows.row(y);
    if (stored == nullptr) return corrupt(source);
    writer.write(samples.convert(stored));
  }
  writer.finish();
  return {};
}

bool is_reduced(TIFF* tiff) {
  uint32_t kind = 0;
  return TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind) == 1 && (kind & FILETYPE_REDUCEDIMAGE) != 0;
}

// Pages that are more than the first one in smaller sizes.
bool has_other_pages(TIFF* tiff, uint64_t max_parts) {
  const toff_t first = TIFFCurrentDirOffset(tiff);
  bool found = false;
  for (uint64_t i = 1; i < max_parts && !found && TIFFLastDirectory(tiff) == 0; ++i)
    found = TIFFReadDirectory(tiff) != 1 || !is_reduced(tiff);
  TIFFSetSubDirectory(tiff, first);
  return found;
}

// Whether `level` is `full` at 1/2^levels, made as pyramids are: of the same kind of samples, halved again and again.
bool is_level(const TiffLayout& full, const TiffLayout& level, uint32_t levels) {
  const auto halved = [levels](uint32_t from, uint32_t to) {
    return to > 0 && (to == from >> levels || to == reduced(from, 1u << levels));
  };
  return halved(full.width, level.width) && halved(full.height, level.height) && level.bits == full.bits &&
         level.samples == full.samples && level.photometric == full.photometric &&
         level.sample_format == full.sample_format && level.alpha == full.alpha;
}

// Reduced pictures of the same file (pyramids of maps and slides), marked as such: the smallest that is at least 1/2^most
// becomes the current directory. Returns how far it is reduced; 0 = there is none, and nothing has changed.
uint32_t enter_reduced_level(TIFF* tiff, const TiffLayout& full, uint32_t most, uint64_t max_parts, TiffLayout& layout) {
  std::vector<toff_t> places;
  uint16_t count = 0;
  const toff_t* sub_directories = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &sub_directories) == 1)
    places.assign(sub_directories, sub_directories + std::min<uint64_t>(count, max_parts));
  const toff_t first = TIFFCurrentDirOffset(tiff);
  for (uint64_t i = 1; i < max_parts && TIFFReadDirectory(tiff) == 1; ++i)
    places.push_back(TIFFCurrentDirOffset(tiff));
  uint32_t best = 0;
  toff_t best_place = first;
  for (const toff_t place : places) {
    if (TIFFSetSubDirectory(tiff, place) != 1 || !is_reduced(tiff)) continue;
    const TiffLayout candidate = read_tiff_layout(tiff);
    for (uint32_t levels = best + 1; levels <= most; ++levels)
      if (is_level(full, candidate, levels) && check(candidate)) {
        best = levels;
        best_place = place;
      }
  }
  if (TIFFSetSubDirectory(tiff, best_place) != 1) return 0;  // then reading fails, with the reason
  layout = read_tiff_layout(tiff);
  return best;
}

// Rare colour spaces by libtiff's own conversion, which needs the full raster: ABGR words, premultiplied.
Result<> read_converted(TIFF* tiff, Source& source, const TiffLayout& layout, uint32_t levels, Picture& picture) {
  char reason[1024] = "";
  if (layout.photometric == PHOTOMETRIC_LOGL || layout.photometric == PHOTOMETRIC_LOGLUV ||
      TIFFRGBAImageOK(tiff, reason) == 0)
    return fail(Errc::kUnsupported,
                fmt::format("TIFF: colours of kind {}, {} bits: not supported", layout.photometric, layout.bits));
  std::vector<uint32_t> raster(size_t{layout.width} * layout.height);
  const int as_stored = picture.orientation;
  if (TIFFReadRGBAImageOriented(tiff, layout.width, layout.height, raster.data(), as_stored, 1) == 0)
    return corrupt(source);
  std::vector<uint8_t> rgb(size_t{layout.width} * 3);
  ReducedRowWriter writer(picture, Samples::kRgb, levels, layout.width);
  for (size_t y = 0; y < layout.height; ++y) {
    for (size_t x = 0; x < layout.width; ++x) {
      const uint32_t pixel = raster[y * layout.width + x], white = 255 - TIFFGetA(pixel);
      rgb[3 * x] = static_cast<uint8_t>(std::min(255u, TIFFGetR(pixel) + white));
      rgb[3 * x + 1] = static_cast<uint8_t>(std::min(255u, TIFFGetG(pixel) + white));
      rgb[3 * x + 2] = static_cast<uint8_t>(std::min(255u, TIFFGetB(pixel) + white));
    }
    writer.write(rgb.data());
  }
  writer.finish();
  return {};
}

}  // namespace

Result<> decode_tiff(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  Source source{file};
  const Tiff tiff = open(source);
  if (tiff == nullptr) return corrupt(source);
  TiffLayout layout = read_tiff_layout(tiff.get());
  if (is_camera_raw(tiff.get(), layout)) {
    picture.format = ImageFormat::kRaw;
    return decode_raw(file, request, picture);
  }
  PAIRLOOM_TRY(check(layout));
  PAIRLOOM_TRY(begin_picture(picture, request, "TIFF", layout.width, layout.height, file.size(),
                             has_16_bit_channels(layout) ? 16 : 8));
  uint16_t orientation = 1;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_ORIENTATION, &orientation);
  picture.orientation = orientation >= 1 && orientation <= 8 ? static_cast<uint8_t>(orientation) : uint8_t{1};
  picture.animated = has_other_pages(tiff.get(), request.max_parts);
  picture.has_alpha = layout.alpha;
  picture.stored_bits = static_cast<uint8_t>(layout.bits);
  uint32_t levels = 0;
  if (picture.reduction > 1)
    levels = enter_reduced_level(tiff.get(), layout, static_cast<uint32_t>(std::countr_zero(picture.reduction)),
                                 request.max_parts, layout);
  if (can_reduce_jpegs(tiff.get(), layout, levels, picture)) {
    picture.is_gray = layout.samples == 1;
    return decode_reduced_jpegs(tiff.get(), layout, levels, file.size(), picture);
  }
  if (layout.compression == COMPRESSION_JPEG && layout.photometric == PHOTOMETRIC_YCBCR)
    TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);

  source.in_pixels = true;
  source.error[0] = 0;
  const auto samples = TiffSamples::make(tiff.get(), layout, picture.bits_per_sample == 16);
  PAIRLOOM_TRY(samples != nullptr ? read_rows(tiff.get(), source, layout, *samples, levels, picture)
                                  : read_converted(tiff.get(), source, layout, levels, picture));
  const char* complaint =
      source.warning[0] != 0 ? source.warning : source.error;  // some codecs report damage and go on
  if (complaint[0] != 0) {
    picture.damaged = true;
    picture.warning = fmt::format("TIFF: {}", complaint);
  }
  return {};
}

std::string tiff_library() {
  const std::string_view text = TIFFGetVersion();  // "LIBTIFF, Version 4.5.0\nCopyright ..."
  constexpr std::string_view kBefore = "Version ";
  const size_t at = text.find(kBefore);
  if (at == std::string_view::npos) return "libtiff";
  return fmt::format("libtiff {}", text.substr(at + kBefore.size(), text.find('\n') - at - kBefore.size()));
}

}  // namespace pairloom::workerproc
