#include "workerproc/decode/decode.h"

#include <array>
#include <cstdlib>
#include <new>

#include <fmt/format.h>

#include "workerproc/decode/formats.h"

namespace pairloom::workerproc {
namespace {

using Decoder = Result<> (*)(std::span<const std::byte>, const DecodeRequest&, Picture&);

struct Format {
  ImageFormat id;
  Decoder decode;
  std::string_view name;
  std::string (*library)();
};

std::string own_code() {
  return "pairloom's own";
}

constexpr auto kFormats = std::to_array<Format>({
    {ImageFormat::kJpeg, decode_jpeg, "JPEG", jpeg_library},
    {ImageFormat::kPng, decode_png, "PNG", png_library},
    {ImageFormat::kWebp, decode_webp, "WebP", webp_library},
    {ImageFormat::kTiff, decode_tiff, "TIFF", tiff_library},
    {ImageFormat::kGif, decode_gif, "GIF", gif_library},
    {ImageFormat::kBmp, decode_bmp, "BMP", own_code},
    {ImageFormat::kPnm, decode_pnm, "PNM", own_code},
    {ImageFormat::kHeif, decode_heif, "HEIF", heif_library},
    {ImageFormat::kAvif, decode_avif, "AVIF", avif_library},
    {ImageFormat::kJxl, decode_jxl, "JPEG XL", jxl_library_name},
    {ImageFormat::kJp2, decode_jp2, "JPEG 2000", jp2_library},
    {ImageFormat::kRaw, decode_raw, "camera raw", raw_library},
    {ImageFormat::kPsd, decode_psd, "Photoshop", own_code},
    {ImageFormat::kIco, decode_ico, "icon", own_code},
});
static_assert(kFormats.size() + 1 == kImageFormatCount);

// Forgets the last file, keeps its memory.
void reset(Picture& picture, ImageFormat format) {
  std::vector<uint8_t> pixels = std::move(picture.pixels);
  picture = Picture{};
  picture.pixels = std::move(pixels);
  picture.format = format;
}

}  // namespace

Result<> decode(std::span<const std::byte> file_bytes, const DecodeRequest& request, Picture& picture) {
  const ImageFormat id = sniff(file_bytes);
  reset(picture, id);
  if (id == ImageFormat::kUnknown) {
    const std::string_view name = name_of_unread(file_bytes);
    if (!name.empty()) return fail(Errc::kUnsupported, fmt::format("{} images are not supported", name));
    return fail(Errc::kUnsupported, "not an image of a known format");
  }
  const Format& format = kFormats[static_cast<size_t>(id) - 1];
  try {
    PAIRLOOM_TRY(format.decode(file_bytes, request, picture));
    if (picture.layout == PixelLayout::kChannel && picture.channel >= picture.channels)
      return fail(Errc::kUnsupported, fmt::format("{}: there is no channel {}: it has {}, counted from 0", format.name,
                                                  picture.channel, picture.channels));
    return {};
  } catch (const std::bad_alloc&) {
    std::vector<uint8_t>().swap(picture.pixels);
    return fail(Errc::kTooLarge, fmt::format("{}: not enough memory to decode {}x{} pixels", format.name,
                                             picture.full_width_px, picture.full_height_px));
  }
}

Outcome outcome_of(Errc decode_error) {
  switch (decode_error) {
    case Errc::kUnsupported:
      return Outcome::kUnsupported;
    case Errc::kTooLarge:
      return Outcome::kTooLarge;
    default:
      return Outcome::kCorrupt;
  }
}

void prepare_decoders() {
  ::unsetenv("OPJ_NUM_THREADS");  // OpenJPEG would start so many
  prepare_raw();
}

std::vector<DecoderInfo> decoders() {
  std::vector<DecoderInfo> list;
  for (const Format& format : kFormats) list.push_back({format.id, format.library()});
  return list;
}

}  // namespace pairloom::workerproc
