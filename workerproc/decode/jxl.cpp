// JPEG XL by libjxl, tile by tile into means. Its DC alone would be enough at 1/8, but libjxl 0.7 hands that out scaled up
// to full size, which takes three quarters of a full decode and costs accuracy.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "workerproc/decode/area_writer.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/jxl_library.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

using Decoder = std::unique_ptr<JxlDecoder, decltype(&JxlDecoderDestroy)>;

// One file on its way through the decoder's events.
class Reading {
 public:
  Reading(const JxlLibrary& jxl, Decoder decoder, const DecodeRequest& request, Picture& picture, size_t file_bytes)
      : jxl_(jxl), decoder_(std::move(decoder)), request_(request), picture_(picture), file_bytes_(file_bytes) {}

  Result<> run(std::span<const std::byte> file) {
    jxl_.set_keep_orientation(decoder_.get(), JXL_TRUE);
    jxl_.set_unpremultiply_alpha(decoder_.get(), JXL_TRUE);
    jxl_.subscribe_events(decoder_.get(), JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE);
    jxl_.set_input(decoder_.get(), reinterpret_cast<const uint8_t*>(file.data()), file.size());
    jxl_.close_input(decoder_.get());
    while (true) {
      const JxlDecoderStatus status = jxl_.process_input(decoder_.get());
      switch (status) {
        case JXL_DEC_BASIC_INFO:
          PAIRLOOM_TRY(begin());
          break;
        case JXL_DEC_COLOR_ENCODING:
          choose_colours();
          break;
        case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
          if (jxl_.set_image_out_callback(decoder_.get(), &format_, on_pixels, writer_.get()) != JXL_DEC_SUCCESS)
            return damaged();
          break;
        case JXL_DEC_FULL_IMAGE:
          return finish();
        case JXL_DEC_NEED_MORE_INPUT:
          return fail(Errc::kCorrupt, "JPEG XL: the file ends too early");
        default:
          return damaged();
      }
    }
  }

 private:
  static tl::unexpected<Error> damaged() { return fail(Errc::kCorrupt, "JPEG XL: damaged data"); }
  static void on_pixels(void* writer, size_t x, size_t y, size_t count, const void* pixels) {
    static_cast<AreaWriter*>(writer)->write(x, y, count, static_cast<const uint8_t*>(pixels));
  }

  Result<> begin() {
    if (writer_ != nullptr || jxl_.get_basic_info(decoder_.get(), &info_) != JXL_DEC_SUCCESS) return damaged();
    PAIRLOOM_TRY(begin_picture(picture_, request_, "JPEG XL", info_.xsize, info_.ysize, file_bytes_,
                               info_.bits_per_sample));
    picture_.orientation = static_cast<uint8_t>(std::clamp<int>(info_.orientation, 1, 8));
    picture_.animated = info_.have_animation != 0;
    picture_.has_alpha = info_.alpha_bits > 0;
    picture_.stored_bits = static_cast<uint8_t>(std::min(info_.bits_per_sample, 32u));
    const bool gray = info_.num_color_channels == 1;
    const Samples samples = picture_.has_alpha ? (gray ? Samples::kGrayAlpha : Samples::kRgba)
                                               : (gray ? Samples::kGray : Samples::kRgb);
    format_ = {static_cast<uint32_t>(bytes_per_pixel(samples)),
               picture_.bits_per_sample == 16 ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
    writer_ = std::make_unique<AreaWriter>(picture_, samples);
    return {};
  }

  // Lossy pictures hold absolute colours. They come out in the numbers of the profile that the encoder was given, as
  // those of any other format do; where that cannot be, as sRGB.
  void choose_colours() {
    if (info_.uses_original_profile != 0) return;
    JxlColorEncoding encoding;
    if (jxl_.get_color_as_encoded_profile(decoder_.get(), nullptr, JXL_COLOR_PROFILE_TARGET_ORIGINAL, &encoding) ==
        JXL_DEC_SUCCESS)
      return;
    encoding = {};
    encoding.color_space = info_.num_color_channels == 1 ? JXL_COLOR_SPACE_GRAY : JXL_COLOR_SPACE_RGB;
    encoding.white_point = JXL_WHITE_POINT_D65;
    encoding.primaries = JXL_PRIMARIES_SRGB;
    encoding.transfer_function = JXL_TRANSFER_FUNCTION_SRGB;
    encoding.rendering_intent = JXL_RENDERING_INTENT_RELATIVE;
    jxl_.set_preferred_color_profile(decoder_.get(), &encoding);
  }

  Result<> finish() {
    if (writer_ == nullptr || !writer_->is_complete()) return damaged();
    writer_->finish();
    return {};
  }

  const JxlLibrary& jxl_;
  Decoder decoder_;
  const DecodeRequest& request_;
  Picture& picture_;
  size_t file_bytes_;
  JxlBasicInfo info_{};
  JxlPixelFormat format_{};
  std::unique_ptr<AreaWriter> writer_;
};

void (*leave_process)() = nullptr;

}  // namespace

void load_rare_decoders() {
  static_cast<void>(jxl_library());  // what is wrong with it is told when a file needs it
}

void on_missing_decoder(void (*leave)()) {
  leave_process = leave;
}

Result<> decode_jxl(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  if (!jxl_library_is_loaded() && leave_process != nullptr) leave_process();
  PAIRLOOM_ASSIGN(const JxlLibrary* jxl, jxl_library());
  Decoder decoder(jxl->create(nullptr), jxl->destroy);
  if (decoder == nullptr) return fail(Errc::kTooLarge, "JPEG XL: no memory for the decoder");
  return Reading(*jxl, std::move(decoder), request, picture, file.size()).run(file);
}

// Does not load it: workers tell the names of their decoders when they can open nothing any more.
std::string jxl_library_name() {
  if (!jxl_library_is_loaded())
    return fmt::format("libjxl {}.{}", JPEGXL_MAJOR_VERSION, JPEGXL_MINOR_VERSION);
  const auto jxl = jxl_library();
  if (!jxl) return "missing: install libjxl";
  const uint32_t version = (*jxl)->version();
  return fmt::format("libjxl {}.{}.{}", version / 1000000, version / 1000 % 1000, version % 1000);
}

}  // namespace pairloom::workerproc
