#include <webp/encode.h>
#include <cstdlib>
#include <string_view>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

// RIFF containers by hand, after developers.google.com/speed/webp/docs/riff_container.
void put(Bytes& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}
void put_chunk(Bytes& out, std::string_view name, std::span<const std::byte> payload) {
  for (const char c : name) out.push_back(static_cast<std::byte>(c));
  put(out, static_cast<uint32_t>(payload.size()), 4);
  out.insert(out.end(), payload.begin(), payload.end());
  if (payload.size() % 2 != 0) out.push_back(std::byte{0});
}

Bytes encode_plain(const cv::Mat& image, const WebpOptions& options) {
  const cv::Mat source = image.channels() == 4 ? image : with_channels(image, 3);
  const int width = source.cols, height = source.rows, stride = static_cast<int>(source.step);
  const bool alpha = source.channels() == 4;
  uint8_t* memory = nullptr;
  size_t size = 0;
  if (options.lossless)
    size = alpha ? WebPEncodeLosslessBGRA(source.data, width, height, stride, &memory)
                 : WebPEncodeLosslessBGR(source.data, width, height, stride, &memory);
  else
    size = alpha ? WebPEncodeBGRA(source.data, width, height, stride, options.quality, &memory)
                 : WebPEncodeBGR(source.data, width, height, stride, options.quality, &memory);
  if (size == 0) abort();
  const auto* begin = reinterpret_cast<const std::byte*>(memory);
  Bytes out(begin, begin + size);
  WebPFree(memory);
  return out;
}

// The chunks that carry the picture: what follows "RIFF size WEBP" and, where there is one, the VP8X chunk.
std::span<const std::byte> image_chunks(const Bytes& plain) {
  const bool extended = plain[15] == std::byte{'X'};
  return std::span(plain).subspan(extended ? 12 + 18 : 12);
}

Bytes animation_frame(const Bytes& plain, int width, int height) {
  Bytes payload;
  put(payload, 0, 3);
  put(payload, 0, 3);
  put(payload, static_cast<uint32_t>(width - 1), 3);
  put(payload, static_cast<uint32_t>(height - 1), 3);
  put(payload, 100, 3);  // milliseconds
  put(payload, 0, 1);
  const auto chunks = image_chunks(plain);
  payload.insert(payload.end(), chunks.begin(), chunks.end());
  return payload;
}

}  // namespace

Bytes encode_webp(const cv::Mat& image, const WebpOptions& options) {
  const Bytes plain = encode_plain(image, options);
  if (options.frames == 1 && options.orientation == 0) return plain;

  const bool animated = options.frames > 1, alpha = image.channels() == 4;
  Bytes body;
  for (const char c : std::string_view("WEBP")) body.push_back(static_cast<std::byte>(c));
  Bytes header;
  put(header, (animated ? 0x02u : 0u) | (alpha ? 0x10u : 0u) | (options.orientation != 0 ? 0x08u : 0u), 4);
  put(header, static_cast<uint32_t>(image.cols - 1), 3);
  put(header, static_cast<uint32_t>(image.rows - 1), 3);
  put_chunk(body, "VP8X", header);
  if (animated) {
    Bytes anim;
    put(anim, 0xffffffff, 4);  // background
    put(anim, 0, 2);           // loops
    put_chunk(body, "ANIM", anim);
    put_chunk(body, "ANMF", animation_frame(plain, image.cols, image.rows));
    const Bytes black = encode_plain(cv::Mat::zeros(image.size(), CV_8UC3), options);
    for (int i = 1; i < options.frames; ++i) put_chunk(body, "ANMF", animation_frame(black, image.cols, image.rows));
  } else {
    const auto chunks = image_chunks(plain);
    body.insert(body.end(), chunks.begin(), chunks.end());
  }
  if (options.orientation != 0) put_chunk(body, "EXIF", exif_block(options.orientation));
  Bytes out;
  put_chunk(out, "RIFF", body);
  return out;
}

}  // namespace pairloom::test
