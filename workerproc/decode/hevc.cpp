// HEVC by libde265.
#include <libde265/de265.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "workerproc/decode/coded_picture.h"
#include "workerproc/decode/iso_boxes.h"

namespace pairloom::workerproc {
namespace {

// The library asks for the memory of each picture: where we see how large one really is before there is any.
struct Context {
  de265_decoder_context* decoder = nullptr;
  uint64_t max_width = 0, max_height = 0;
  bool too_large = false;
  Context() = default;
  ~Context() {
    if (decoder != nullptr) de265_free_decoder(decoder);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

int get_buffer(de265_decoder_context* decoder, de265_image_spec* spec, de265_image* image, void* user) {
  auto& context = *static_cast<Context*>(user);
  const bool fits = spec->width > 0 && spec->height > 0 && static_cast<uint64_t>(spec->width) <= context.max_width &&
                    static_cast<uint64_t>(spec->height) <= context.max_height;
  context.too_large = context.too_large || !fits;
  return fits ? de265_get_default_image_allocation_functions()->get_buffer(decoder, spec, image, nullptr) : 0;
}
void release_buffer(de265_decoder_context* decoder, de265_image* image, void*) {
  de265_get_default_image_allocation_functions()->release_buffer(decoder, image, nullptr);
}

std::shared_ptr<Context> new_context(const CodedPictureLimits& limits) {
  auto context = std::make_shared<Context>();
  context->decoder = de265_new_decoder();
  if (context->decoder == nullptr) return nullptr;
  constexpr uint64_t kCodingBlockPx = 64;  // coded sizes are rounded up
  context->max_width = limits.width + kCodingBlockPx;
  context->max_height = limits.height + kCodingBlockPx;
  de265_image_allocation allocation{get_buffer, release_buffer};
  de265_set_image_allocation_functions(context->decoder, &allocation, context.get());
  if (limits.unfiltered) {
    de265_set_parameter_bool(context->decoder, DE265_DECODER_PARAM_DISABLE_DEBLOCKING, 1);
    de265_set_parameter_bool(context->decoder, DE265_DECODER_PARAM_DISABLE_SAO, 1);
  }
  return context;
}

tl::unexpected<Error> corrupt(const char* what) {
  return fail(Errc::kCorrupt, what);
}

bool push(Context& context, std::span<const std::byte> unit) {
  return de265_push_NAL(context.decoder, unit.data(), static_cast<int>(unit.size()), 0, nullptr) == DE265_OK;
}

// Parameter sets: ISO/IEC 14496-15, 8.3.3.1. `length_bytes` is the size of the lengths in the data.
Result<> push_config(Context& context, std::span<const std::byte> config, size_t& length_bytes) {
  const ByteReader reader(config, true);
  length_bytes = (reader.u8(21).value_or(0) & 3) + 1;
  const uint32_t arrays = reader.u8(22).value_or(0);
  size_t at = 23;
  for (uint32_t a = 0; a < arrays; ++a) {
    const uint32_t units = reader.u16(at + 1).value_or(0);
    at += 3;
    for (uint32_t u = 0; u < units; ++u) {
      const auto length = reader.u16(at);
      if (!length || !reader.has(at + 2, *length)) return corrupt("its parameters are cut off");
      if (*length > 0 && !push(context, reader.slice(at + 2, *length)))
        return fail(Errc::kTooLarge, "not enough memory to decode it");
      at += 2 + *length;
    }
  }
  return {};
}

Result<> push_data(Context& context, std::span<const std::byte> data, size_t length_bytes) {
  while (!data.empty()) {
    BoxFields fields(data);
    const uint64_t length = fields.number(length_bytes);
    const auto rest = fields.rest();
    if (!fields.ok() || length > rest.size() || length > INT32_MAX) return corrupt("its data is cut off");
    if (length > 0 && !push(context, rest.first(length)))
      return fail(Errc::kTooLarge, "not enough memory to decode it");
    data = rest.subspan(length);
  }
  return {};
}

YuvPlanes planes_of(const de265_image* image) {
  YuvPlanes planes;
  planes.width = static_cast<uint32_t>(de265_get_image_width(image, 0));
  planes.height = static_cast<uint32_t>(de265_get_image_height(image, 0));
  const de265_chroma chroma = de265_get_chroma_format(image);
  planes.has_chroma = chroma != de265_chroma_mono;
  planes.chroma_shift_x = chroma == de265_chroma_444 ? 0 : 1;
  planes.chroma_shift_y = chroma == de265_chroma_420 ? 1 : 0;
  for (int c = 0; c < (planes.has_chroma ? 3 : 1); ++c) {
    int stride = 0;
    const uint8_t* samples = de265_get_image_plane(image, c, &stride);
    planes.planes[static_cast<size_t>(c)] = {samples, stride,
                                             static_cast<uint8_t>(de265_get_bits_per_pixel(image, c))};
  }
  planes.colour = {static_cast<uint8_t>(de265_get_image_matrix_coefficients(image)),
                   de265_get_image_full_range_flag(image) != 0};
  return planes;
}

Result<const de265_image*> decode_first(Context& context, std::string& warning) {
  de265_flush_data(context.decoder);
  for (int more = 1; more != 0;) {
    const de265_error result = de265_decode(context.decoder, &more);
    if (context.too_large) return corrupt("the picture is larger than the file says");
    if (const de265_image* image = de265_get_next_picture(context.decoder)) {
      if (const de265_error told = de265_get_warning(context.decoder); told != DE265_OK)
        warning = de265_get_error_text(told);
      return image;
    }
    if (result == DE265_ERROR_OUT_OF_MEMORY) return fail(Errc::kTooLarge, "not enough memory to decode it");
    if (result != DE265_OK) return corrupt(de265_get_error_text(result));
  }
  return corrupt("there is no HEVC picture in it");
}

}  // namespace

Result<CodedPicture> decode_hevc(std::span<const std::byte> config, std::span<const std::byte> data,
                                 const CodedPictureLimits& limits) {
  const auto context = new_context(limits);
  if (context == nullptr) return fail(Errc::kTooLarge, "no memory for the HEVC decoder");
  size_t length_bytes = 4;
  PAIRLOOM_TRY(push_config(*context, config, length_bytes));
  PAIRLOOM_TRY(push_data(*context, data, length_bytes));
  CodedPicture picture;
  PAIRLOOM_ASSIGN(const de265_image* image, decode_first(*context, picture.warning));
  picture.planes = planes_of(image);
  for (size_t c = 0; c < (picture.planes.has_chroma ? 3u : 1u); ++c)
    if (picture.planes.planes[c].samples == nullptr) return corrupt("there is no HEVC picture in it");
  picture.owner = context;
  return picture;
}

std::string hevc_library() {
  return fmt::format("libde265 {}", de265_get_version());
}

}  // namespace pairloom::workerproc
