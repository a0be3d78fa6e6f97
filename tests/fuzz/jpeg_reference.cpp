#include "tests/fuzz/jpeg_reference.h"

#include <csetjmp>
#include <cstdio>  // before jpeglib.h, which needs FILE

#include <jpeglib.h>
// jpeglib.h comes first
#include <jerror.h>

namespace pairloom::test {

struct JpegReference::State {
  jpeg_decompress_struct decoder{};
  jpeg_error_mgr errors{};
  std::jmp_buf give_up{};
  uint64_t max_pixels = 0;
  bool only_entropy_warnings = true;
  std::string message;
  std::vector<JSAMPROW> rows;

  static State& of(j_common_ptr info) { return *static_cast<State*>(info->client_data); }
  static void note(j_common_ptr info) {
    State& state = of(info);
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    if (state.message.empty()) state.message = text;
  }
  static void on_error(j_common_ptr info) {
    of(info).message.clear();
    note(info);
    std::longjmp(of(info).give_up, 1);
  }
  static void on_message(j_common_ptr info, int level) {
    if (level >= 0) return;  // trace
    ++info->err->num_warnings;
    const int code = info->err->msg_code;
    of(info).only_entropy_warnings &= code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
                                      code == JWRN_EXTRANEOUS_DATA || code == JWRN_MUST_RESYNC;
    note(info);
  }

  // Nothing with a destructor may live here: longjmp passes through.
  bool decode(std::span<const std::byte> bytes, int reduction, ReferencePicture& picture) {
    if (setjmp(give_up) != 0) {
      jpeg_abort_decompress(&decoder);
      return false;
    }
    jpeg_mem_src(&decoder, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&decoder, TRUE);
    picture.progressive = decoder.progressive_mode != 0;
    if (static_cast<uint64_t>(decoder.image_width) * decoder.image_height > max_pixels) {
      message = "larger than the test decodes";
      jpeg_abort_decompress(&decoder);
      return false;
    }
    decoder.out_color_space = JCS_GRAYSCALE;
    decoder.dct_method = JDCT_ISLOW;
    decoder.scale_num = 1;
    decoder.scale_denom = static_cast<unsigned>(reduction);
    jpeg_start_decompress(&decoder);
    picture.width = decoder.output_width;
    picture.height = decoder.output_height;
    picture.pixels.resize(static_cast<size_t>(picture.width) * picture.height);
    rows.resize(picture.height);
    for (size_t y = 0; y < rows.size(); ++y) rows[y] = picture.pixels.data() + y * picture.width;
    while (decoder.output_scanline < decoder.output_height)
      jpeg_read_scanlines(&decoder, &rows[decoder.output_scanline], decoder.output_height - decoder.output_scanline);
    jpeg_finish_decompress(&decoder);
    return true;
  }
};

JpegReference::JpegReference(uint64_t max_pixels) : state_(std::make_unique<State>()) {
  state_->max_pixels = max_pixels;
  jpeg_decompress_struct& decoder = state_->decoder;
  decoder.err = jpeg_std_error(&state_->errors);
  decoder.err->error_exit = State::on_error;
  decoder.err->emit_message = State::on_message;
  decoder.client_data = state_.get();
  jpeg_create_decompress(&decoder);
}

JpegReference::~JpegReference() {
  jpeg_destroy_decompress(&state_->decoder);
}

void JpegReference::decode(std::span<const std::byte> bytes, int reduction, ReferencePicture& picture) {
  state_->message.clear();
  state_->errors.num_warnings = 0;
  state_->only_entropy_warnings = true;
  picture.decoded = state_->decode(bytes, reduction, picture);
  picture.warnings = state_->errors.num_warnings;
  picture.only_entropy_warnings = state_->only_entropy_warnings;
  picture.message = state_->message;
}

}  // namespace pairloom::test
