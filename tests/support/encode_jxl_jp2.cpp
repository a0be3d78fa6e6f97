#include <jxl/encode.h>
#include <openjpeg.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

void require(bool ok) {
  if (!ok) abort();
}

// Interleaved in the order R, G, B, A; of 8 bits, or of 16, where 255 becomes 65535.
cv::Mat samples_of(const cv::Mat& image, int bits) {
  cv::Mat rgb;  // of its own memory: cvtColor would write into the picture
  if (image.channels() == 1) rgb = image;
  if (image.channels() == 3) cv::cvtColor(image, rgb, cv::COLOR_BGR2RGB);
  if (image.channels() == 4) cv::cvtColor(image, rgb, cv::COLOR_BGRA2RGBA);
  cv::Mat out;
  rgb.convertTo(out, bits == 16 ? CV_16U : CV_8U, bits == 16 ? 257 : 1);
  return out;
}

JxlBasicInfo basic_info(const cv::Mat& image, const JxlOptions& options) {
  const int channels = image.channels();
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = static_cast<uint32_t>(image.cols);
  info.ysize = static_cast<uint32_t>(image.rows);
  info.bits_per_sample = static_cast<uint32_t>(options.bits);
  info.num_color_channels = channels == 1 ? 1 : 3;
  info.orientation = static_cast<JxlOrientation>(options.orientation);
  info.uses_original_profile = options.lossless ? JXL_TRUE : JXL_FALSE;
  if (channels == 4) {
    info.num_extra_channels = 1;
    info.alpha_bits = info.bits_per_sample;
  }
  if (options.frames > 1) {
    info.have_animation = JXL_TRUE;
    info.animation.tps_numerator = 10;
    info.animation.tps_denominator = 1;
  }
  return info;
}

Bytes take_output(JxlEncoder* encoder) {
  Bytes out(4096);
  size_t used = 0;
  while (true) {
    auto* next = reinterpret_cast<uint8_t*>(out.data() + used);
    size_t left = out.size() - used;
    const JxlEncoderStatus status = JxlEncoderProcessOutput(encoder, &next, &left);
    used = out.size() - left;
    if (status == JXL_ENC_SUCCESS) break;
    require(status == JXL_ENC_NEED_MORE_OUTPUT);
    out.resize(out.size() * 2);
  }
  out.resize(used);
  return out;
}

}  // namespace

Bytes encode_jxl(const cv::Mat& image, const JxlOptions& options) {
  const cv::Mat samples = samples_of(image, options.bits);
  JxlEncoder* encoder = JxlEncoderCreate(nullptr);
  JxlEncoderUseContainer(encoder, options.container ? JXL_TRUE : JXL_FALSE);
  const JxlBasicInfo info = basic_info(image, options);
  require(JxlEncoderSetBasicInfo(encoder, &info) == JXL_ENC_SUCCESS);
  JxlColorEncoding colours;
  JxlColorEncodingSetToSRGB(&colours, image.channels() == 1 ? JXL_TRUE : JXL_FALSE);
  require(JxlEncoderSetColorEncoding(encoder, &colours) == JXL_ENC_SUCCESS);
  JxlEncoderFrameSettings* settings = JxlEncoderFrameSettingsCreate(encoder, nullptr);
  JxlEncoderFrameSettingsSetOption(settings, JXL_ENC_FRAME_SETTING_EFFORT, 3);
  if (options.lossless)
    require(JxlEncoderSetFrameLossless(settings, JXL_TRUE) == JXL_ENC_SUCCESS);
  else
    JxlEncoderSetFrameDistance(settings, options.distance);
  const JxlPixelFormat format{static_cast<uint32_t>(image.channels()),
                              options.bits == 16 ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  for (int frame = 0; frame < options.frames; ++frame) {
    const cv::Mat pixels = frame == 0 ? samples.clone() : cv::Mat(cv::Mat::zeros(samples.size(), samples.type()));
    if (options.frames > 1) {
      JxlFrameHeader header;
      JxlEncoderInitFrameHeader(&header);
      header.duration = 1;
      require(JxlEncoderSetFrameHeader(settings, &header) == JXL_ENC_SUCCESS);
    }
    require(JxlEncoderAddImageFrame(settings, &format, pixels.data, pixels.total() * pixels.elemSize()) ==
            JXL_ENC_SUCCESS);
  }
  JxlEncoderCloseInput(encoder);
  Bytes out = take_output(encoder);
  JxlEncoderDestroy(encoder);
  return out;
}

namespace {

opj_image_t* make_jp2_image(const cv::Mat& image, int bits) {
  const cv::Mat samples = samples_of(image, bits);
  std::vector<opj_image_cmptparm_t> components(static_cast<size_t>(image.channels()));
  for (auto& component : components) {
    component = {};
    component.dx = component.dy = 1;
    component.w = static_cast<OPJ_UINT32>(image.cols);
    component.h = static_cast<OPJ_UINT32>(image.rows);
    component.prec = static_cast<OPJ_UINT32>(bits);
  }
  opj_image_t* out = opj_image_create(static_cast<OPJ_UINT32>(components.size()), components.data(),
                                      image.channels() == 1 ? OPJ_CLRSPC_GRAY : OPJ_CLRSPC_SRGB);
  require(out != nullptr);
  out->x1 = static_cast<OPJ_UINT32>(image.cols);
  out->y1 = static_cast<OPJ_UINT32>(image.rows);
  std::vector<cv::Mat> planes;
  cv::split(samples, planes);
  for (size_t c = 0; c < planes.size(); ++c) {
    cv::Mat wide;
    planes[c].convertTo(wide, CV_32S);
    memcpy(out->comps[c].data, wide.data, wide.total() * 4);
  }
  if (image.channels() == 4) out->comps[3].alpha = 1;
  return out;
}

struct Memory {
  Bytes bytes;
  size_t at = 0;
};
OPJ_SIZE_T on_write(void* data, OPJ_SIZE_T size, void* user) {
  auto& memory = *static_cast<Memory*>(user);
  if (memory.bytes.size() < memory.at + size) memory.bytes.resize(memory.at + size);
  memcpy(&memory.bytes[memory.at], data, size);
  memory.at += size;
  return size;
}

opj_cparameters_t jp2_parameters(const cv::Mat& image, const Jp2Options& options) {
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.irreversible = options.lossless ? 0 : 1;
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  parameters.tcp_rates[0] = options.lossless ? 0 : options.ratio;
  parameters.tcp_mct = image.channels() >= 3 ? 1 : 0;
  const int side = options.tile_side > 0 ? options.tile_side : std::min(image.cols, image.rows);
  parameters.numresolution = 1;
  while (parameters.numresolution < 6 && side >> parameters.numresolution > 0) ++parameters.numresolution;
  if (options.tile_side > 0) {
    parameters.tile_size_on = OPJ_TRUE;
    parameters.cp_tdx = parameters.cp_tdy = options.tile_side;
  }
  return parameters;
}

}  // namespace

Bytes encode_jp2(const cv::Mat& image, const Jp2Options& options) {
  opj_image_t* source = make_jp2_image(image, options.bits);
  opj_cparameters_t parameters = jp2_parameters(image, options);
  opj_codec_t* codec = opj_create_compress(options.bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
  require(opj_setup_encoder(codec, &parameters, source) == OPJ_TRUE);
  Memory memory;
  opj_stream_t* stream = opj_stream_default_create(OPJ_FALSE);
  opj_stream_set_user_data(stream, &memory, nullptr);
  opj_stream_set_write_function(stream, on_write);
  opj_stream_set_skip_function(stream, [](OPJ_OFF_T bytes, void* user) {
    static_cast<Memory*>(user)->at += static_cast<size_t>(bytes);
    return bytes;
  });
  opj_stream_set_seek_function(stream, [](OPJ_OFF_T to, void* user) {
    static_cast<Memory*>(user)->at = static_cast<size_t>(to);
    return OPJ_TRUE;
  });
  require(opj_start_compress(codec, source, stream) == OPJ_TRUE);
  require(opj_encode(codec, stream) == OPJ_TRUE);
  require(opj_end_compress(codec, stream) == OPJ_TRUE);
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(source);
  return std::move(memory.bytes);
}

}  // namespace pairloom::test
