// What the decoders of the formats share: their signature, one file per format. decode.cpp picks by content.
// Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {

// Each decodes a whole file of its format into `picture`, whose facts decode() has reset and whose `format` it has set.
// Errors: kCorrupt, kUnsupported, kTooLarge, with a message that begins with the format's name.
Result<> decode_jpeg(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_png(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_webp(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_tiff(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_gif(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_bmp(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_pnm(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_heif(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_avif(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_jxl(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_jp2(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_raw(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_psd(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);
Result<> decode_ico(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture);

// LibRaw decodes in parallel unless it is told not to.
void prepare_raw();

// "libpng 1.6.39": the library behind each, as it is at run time where it tells.
std::string jpeg_library();
std::string png_library();
std::string webp_library();
std::string tiff_library();
std::string gif_library();
std::string heif_library();
std::string avif_library();
std::string jxl_library_name();
std::string jp2_library();
std::string raw_library();

}  // namespace pairloom::workerproc
