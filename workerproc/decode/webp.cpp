// WebP by libwebp, scaled down while it decodes. Gray of lossy files is their Y plane: no colour is ever computed.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/exif.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr int kLossy = 1;  // WebPBitstreamFeatures::format

const uint8_t* bytes_of(std::span<const std::byte> file) {
  return reinterpret_cast<const uint8_t*>(file.data());
}

tl::unexpected<Error> failed(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return fail(Errc::kTooLarge, "WebP: not enough memory to decode it");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return fail(Errc::kUnsupported, "WebP: uses a feature libwebp does not have");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return fail(Errc::kCorrupt, "WebP: the file ends too early");
    default:
      return fail(Errc::kCorrupt, "WebP: damaged data");
  }
}

// The orientation in the EXIF chunk of a RIFF file (developers.google.com/speed/webp/docs/riff_container).
uint8_t read_orientation(std::span<const std::byte> file) {
  const ByteReader reader(file);
  for (size_t at = 12; reader.has(at, 8);) {
    const size_t length = *reader.u32(at + 4);
    if (reader.starts_with("EXIF", at)) return exif_orientation(reader.slice(at + 8, length));
    at += 8 + length + length % 2;
  }
  return 1;
}

// Whole blocks only: the crop makes each decoded pixel the mean of exactly reduction x reduction original ones.
WebPDecoderConfig config_for(const Picture& picture) {
  WebPDecoderConfig config;
  WebPInitDecoderConfig(&config);
  if (picture.reduction > 1) {
    const auto width = static_cast<int>(picture.full_width_px / picture.reduction);
    const auto height = static_cast<int>(picture.full_height_px / picture.reduction);
    config.options.use_cropping = 1;
    config.options.crop_width = width * picture.reduction;
    config.options.crop_height = height * picture.reduction;
    config.options.use_scaling = 1;
    config.options.scaled_width = width;
    config.options.scaled_height = height;
  }
  config.output.is_external_memory = 1;
  return config;
}

// The strip that the crop left out, less than one decoded pixel wide, repeats its neighbour.
void extend_edges(Picture& picture) {
  const uint32_t width = picture.full_width_px / picture.reduction, height = picture.full_height_px / picture.reduction;
  const size_t pixel = channels_of(picture.layout);
  if (width < picture.width_px)
    for (uint32_t y = 0; y < height; ++y) {
      uint8_t* end = picture.pixels.data() + size_t{y} * picture.stride_bytes + width * pixel;
      memcpy(end, end - pixel, pixel);
    }
  if (height < picture.height_px) {
    uint8_t* end = picture.pixels.data() + size_t{height} * picture.stride_bytes;
    memcpy(end, end - picture.stride_bytes, picture.stride_bytes);
  }
}

// Y is 16..235 (ITU-R BT.601).
std::array<uint8_t, 256> luma_table() {
  std::array<uint8_t, 256> table{};
  for (int y = 0; y < 256; ++y)
    table[static_cast<size_t>(y)] = static_cast<uint8_t>(std::clamp((y - 16) * 255 + 109, 0, 219 * 255) / 219);
  return table;
}

Result<> decode_luma(std::span<const std::byte> file, bool alpha, Picture& picture) {
  const size_t stride = picture.stride_bytes, height = picture.height_px, chroma_stride = (stride + 1) / 2;
  std::vector<uint8_t> chroma(2 * chroma_stride * ((height + 1) / 2)), opacity(alpha ? stride * height : 0);
  WebPDecoderConfig config = config_for(picture);
  config.output.colorspace = alpha ? MODE_YUVA : MODE_YUV;
  WebPYUVABuffer& planes = config.output.u.YUVA;
  planes.y = picture.pixels.data();
  planes.y_stride = static_cast<int>(stride);
  planes.y_size = stride * height;
  planes.u = chroma.data();
  planes.v = chroma.data() + chroma.size() / 2;
  planes.u_stride = planes.v_stride = static_cast<int>(chroma_stride);
  planes.u_size = planes.v_size = chroma.size() / 2;
  if (alpha) {
    planes.a = opacity.data();
    planes.a_stride = static_cast<int>(stride);
    planes.a_size = opacity.size();
  }
  if (const VP8StatusCode status = WebPDecode(bytes_of(file), file.size(), &config); status != VP8_STATUS_OK)
    return failed(status);

  static const std::array<uint8_t, 256> table = luma_table();
  for (size_t i = 0; i < stride * height; ++i) {
    const unsigned gray = table[picture.pixels[i]];
    picture.pixels[i] =
        static_cast<uint8_t>(alpha ? (gray * opacity[i] + 255u * (255u - opacity[i]) + 127) / 255 : gray);
  }
  extend_edges(picture);
  return {};
}

Result<> decode_colour(std::span<const std::byte> file, bool alpha, Picture& picture) {
  const Samples samples = alpha ? Samples::kBgra : Samples::kBgr;
  const bool rgba = picture.layout == PixelLayout::kRgba;
  const bool direct = rgba || (samples == Samples::kBgr && picture.layout == PixelLayout::kBgr);
  const size_t width = picture.full_width_px / picture.reduction, height = picture.full_height_px / picture.reduction;
  const size_t stride = direct ? picture.stride_bytes : width * bytes_per_pixel(samples);
  std::vector<uint8_t> pixels(direct ? 0 : stride * height);
  WebPDecoderConfig config = config_for(picture);
  config.output.colorspace = rgba ? MODE_RGBA : alpha ? MODE_BGRA : MODE_BGR;
  config.output.u.RGBA.rgba = direct ? picture.pixels.data() : pixels.data();
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = stride * height;
  if (const VP8StatusCode status = WebPDecode(bytes_of(file), file.size(), &config); status != VP8_STATUS_OK)
    return failed(status);
  for (size_t y = 0; y < height && !direct; ++y)
    convert_row(samples, &pixels[y * stride], picture, picture.pixels.data() + y * picture.stride_bytes, width);
  extend_edges(picture);
  return {};
}

// The first frame of an animation on its canvas, which is white where the frame does not reach.
Result<> decode_first_frame(std::span<const std::byte> file, Picture& picture) {
  const WebPData data{bytes_of(file), file.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemux(&data), &WebPDemuxDelete);
  if (demuxer == nullptr) return fail(Errc::kCorrupt, "WebP: a damaged animation");
  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0)
    return fail(Errc::kCorrupt, "WebP: an animation without frames");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(&frame, &WebPDemuxReleaseIterator);
  picture.animated = frame.num_frames > 1;
  picture.has_alpha = frame.has_alpha != 0;

  const auto canvas = size_t{picture.full_width_px} * 4;
  const auto x = static_cast<size_t>(frame.x_offset), top = static_cast<size_t>(frame.y_offset);
  const auto width = static_cast<size_t>(frame.width), height = static_cast<size_t>(frame.height);
  if (x + width > picture.full_width_px || top + height > picture.full_height_px)
    return fail(Errc::kCorrupt, "WebP: a frame outside of its canvas");
  std::vector<uint8_t> pixels(width * height * 4), row(canvas, uint8_t{255});
  if (WebPDecodeBGRAInto(frame.fragment.bytes, frame.fragment.size, pixels.data(), pixels.size(), frame.width * 4) ==
      nullptr)
    return fail(Errc::kCorrupt, "WebP: the first frame is damaged");
  RowWriter writer(picture, Samples::kBgra);
  for (size_t y = 0; y < picture.full_height_px; ++y) {
    const bool inside = y >= top && y < top + height;
    if (inside)
      memcpy(&row[x * 4], &pixels[(y - top) * width * 4], width * 4);
    else if (y == top + height)
      memset(row.data(), 255, row.size());
    writer.write(row.data());
  }
  return {};
}

}  // namespace

Result<> decode_webp(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  WebPBitstreamFeatures features;
  if (const VP8StatusCode status = WebPGetFeatures(bytes_of(file), file.size(), &features); status != VP8_STATUS_OK)
    return failed(status);
  PAIRLOOM_TRY(begin_picture(picture, request, "WebP", static_cast<uint64_t>(std::max(features.width, 0)),
                             static_cast<uint64_t>(std::max(features.height, 0)), file.size()));
  picture.orientation = read_orientation(file);
  if (features.has_animation != 0) return decode_first_frame(file, picture);
  picture.has_alpha = features.has_alpha != 0;
  if (picture.layout == PixelLayout::kGray && features.format == kLossy)
    return decode_luma(file, picture.has_alpha, picture);
  return decode_colour(file, picture.has_alpha, picture);
}

std::string webp_library() {
  const int version = WebPGetDecoderVersion();
  return fmt::format("libwebp {}.{}.{}", version >> 16, version >> 8 & 255, version & 255);
}

}  // namespace pairloom::workerproc
