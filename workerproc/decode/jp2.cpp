// JPEG 2000 by OpenJPEG: as many resolution levels as are needed, and of lossy colour pictures the luma alone.
#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "workerproc/decode/area_writer.h"
#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/iso_boxes.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

// What the codestream's first marker says (ISO/IEC 15444-1, A.5.1).
struct Size {
  uint64_t width = 0, height = 0;
  uint32_t components = 0, bits = 8;
};

constexpr uint32_t kSiz = 0xFF51, kCod = 0xFF52, kCoc = 0xFF53, kSot = 0xFF90, kSod = 0xFF93;

// Bare, or in the boxes of a JP2 file.
std::span<const std::byte> find_codestream(std::span<const std::byte> file) {
  if (ByteReader(file, true).u16(0) == 0xFF4Fu) return file;
  const auto box = find_box(file, fourcc("jp2c"));
  return box ? box->body : std::span<const std::byte>();
}

Result<Size> read_size(std::span<const std::byte> codestream) {
  const ByteReader reader(codestream, true);
  if (reader.u16(2) != kSiz || !reader.has(0, 45)) return fail(Errc::kCorrupt, "JPEG 2000: there is no header");
  const uint32_t right = *reader.u32(8), bottom = *reader.u32(12), left = *reader.u32(16), top = *reader.u32(20);
  if (right <= left || bottom <= top) return fail(Errc::kCorrupt, "JPEG 2000: there is no picture in it");
  return Size{right - left, bottom - top, *reader.u16(40), (*reader.u8(42) & 0x7F) + 1};
}

// Tiles may be coded each in its own way; then nothing of what the main header says holds for all.
bool tiles_are_alike(std::span<const std::byte> codestream) {
  const ByteReader reader(codestream, true);
  size_t at = 2, tile_part = 0;
  for (uint32_t tiles = 0; reader.has(at, 4);) {
    const uint32_t marker = *reader.u16(at), length = *reader.u16(at + 2);
    if ((marker == kCod || marker == kCoc) && tiles > 0) return false;
    if (marker == kSot) {
      tile_part = at;
      ++tiles;
    }
    if (marker != kSod) {
      at += 2 + size_t{length};
      continue;
    }
    const uint32_t part_bytes = reader.u32(tile_part + 6).value_or(0);
    if (tiles == 0 || part_bytes < 14 || tile_part + part_bytes <= at) return true;  // the last one reaches to the end
    at = tile_part + part_bytes;
  }
  return true;
}

struct Source {
  std::span<const std::byte> file;
  size_t at = 0;
  char error[200] = "", warning[200] = "";
};

OPJ_SIZE_T on_read(void* buffer, OPJ_SIZE_T size, void* user) {
  auto& source = *static_cast<Source*>(user);
  const size_t count = std::min(size, source.file.size() - source.at);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  memcpy(buffer, source.file.data() + source.at, count);
  source.at += count;
  return count;
}
OPJ_OFF_T on_skip(OPJ_OFF_T bytes, void* user) {
  auto& source = *static_cast<Source*>(user);
  if (bytes < 0) return -1;
  const size_t count = std::min(static_cast<size_t>(bytes), source.file.size() - source.at);
  source.at += count;
  return static_cast<OPJ_OFF_T>(count);
}
OPJ_BOOL on_seek(OPJ_OFF_T to, void* user) {
  auto& source = *static_cast<Source*>(user);
  if (to < 0 || static_cast<size_t>(to) > source.file.size()) return OPJ_FALSE;
  source.at = static_cast<size_t>(to);
  return OPJ_TRUE;
}
void keep_first(char (&to)[200], const char* text) {
  if (to[0] != 0) return;
  const size_t length = std::min(strcspn(text, "\n"), sizeof to - 1);
  memcpy(to, text, length);
  to[length] = 0;
}

using Codec = std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)>;
using Stream = std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)>;
struct DestroyImage {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};
using Image = std::unique_ptr<opj_image_t, DestroyImage>;

Stream open_stream(Source& source) {
  Stream stream(opj_stream_default_create(OPJ_TRUE), &opj_stream_destroy);
  if (stream == nullptr) return stream;
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), source.file.size());
  opj_stream_set_read_function(stream.get(), on_read);
  opj_stream_set_skip_function(stream.get(), on_skip);
  opj_stream_set_seek_function(stream.get(), on_seek);
  return stream;
}

Codec open_codec(Source& source, bool bare) {
  Codec codec(opj_create_decompress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2), &opj_destroy_codec);
  if (codec == nullptr) return codec;
  opj_set_error_handler(
      codec.get(), [](const char* text, void* user) { keep_first(static_cast<Source*>(user)->error, text); }, &source);
  opj_set_warning_handler(
      codec.get(), [](const char* text, void* user) { keep_first(static_cast<Source*>(user)->warning, text); },
      &source);
  opj_set_info_handler(codec.get(), [](const char*, void*) {}, nullptr);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  return opj_setup_decoder(codec.get(), &parameters) ? std::move(codec) : Codec(nullptr, &opj_destroy_codec);
}

tl::unexpected<Error> failed(const Source& source) {
  const bool memory = strstr(source.error, "memory") != nullptr;
  return fail(memory ? Errc::kTooLarge : Errc::kCorrupt,
              fmt::format("JPEG 2000: {}", source.error[0] != 0 ? source.error : "damaged data"));
}

// What the main header says about all tiles: how often each component may be halved, and whether the first one is luma.
struct Coding {
  uint32_t levels = 0;
  bool first_is_luma = false;  // of the irreversible transform: 0.299 R + 0.587 G + 0.114 B
};
Coding read_coding(opj_codec_t* codec, uint32_t components) {
  Coding coding;
  opj_codestream_info_v2_t* info = opj_get_cstr_info(codec);
  if (info == nullptr) return coding;
  const opj_tile_info_v2_t& tile = info->m_default_tile_info;
  coding.levels = 32;
  bool lossy = true;
  for (uint32_t c = 0; c < components && tile.tccp_info != nullptr; ++c) {
    coding.levels = std::min(coding.levels, std::max(tile.tccp_info[c].numresolutions, 1u) - 1);
    lossy = lossy && tile.tccp_info[c].qmfbid == 0;
  }
  coding.first_is_luma = components == 3 && tile.mct == 1 && lossy;
  opj_destroy_cstr_info(&info);
  return coding;
}

// Decoded components -> rows of samples.
class Jp2Rows {
 public:
  Jp2Rows(const opj_image_t& image, bool luma_only, bool wide) : image_(image), wide_(wide) {
    width_ = image.comps[0].w;
    height_ = image.comps[0].h;
    size_t colours = 0;
    for (uint32_t c = 0; c < image.numcomps; ++c)
      if (image.comps[c].alpha == 0)
        ++colours;
      else if (!alpha_)
        alpha_ = c;
    colours_ = luma_only || colours < 3 ? 1 : 3;
    inks_ = !luma_only && image.color_space == OPJ_CLRSPC_CMYK && colours >= 4;
    ycc_ = colours_ == 3 && !inks_ && (image.color_space == OPJ_CLRSPC_SYCC || image.comps[1].dx > image.comps[0].dx);
    if (inks_ || luma_only) alpha_.reset();
  }
  bool is_complete() const {
    const uint32_t needed = inks_ ? 4 : static_cast<uint32_t>(colours_);
    for (uint32_t c = 0; c < needed; ++c)
      if (!is_there(c)) return false;
    return !alpha_ || is_there(*alpha_);
  }
  uint32_t width() const { return width_; }
  uint32_t height() const { return height_; }
  Samples samples() const {
    return colours_ == 1 ? (alpha_ ? Samples::kGrayAlpha : Samples::kGray) : alpha_ ? Samples::kRgba : Samples::kRgb;
  }
  bool has_alpha() const { return alpha_.has_value(); }

  // Row `y` into 8 bits a sample, or 16 where those are wanted.
  void read(uint32_t y, uint8_t* out) const {
    const size_t step = bytes_per_pixel(samples());
    for (uint32_t x = 0; x < width_; ++x) {
      if (wide_) {
        for (size_t c = 0; c < step; ++c) {
          const auto value = static_cast<uint16_t>(sample(source_of(c), x, y, 65535));
          memcpy(out + 2 * (x * step + c), &value, 2);
        }
        continue;
      }
      for (size_t c = 0; c < step; ++c) out[x * step + c] = static_cast<uint8_t>(sample(source_of(c), x, y, 255));
      if (ycc_) to_rgb(out + x * step);
      if (inks_) mix_inks(out + x * step, static_cast<unsigned>(sample(3, x, y, 255)));
    }
  }

 private:
  uint32_t source_of(size_t place) const {
    return place < colours_ ? static_cast<uint32_t>(place) : alpha_.value_or(0);
  }
  bool is_there(uint32_t c) const {
    return c < image_.numcomps && image_.comps[c].data != nullptr && image_.comps[c].w > 0 && image_.comps[c].h > 0;
  }
  // Scaled to 0..most. Components of a coarser grid repeat their samples.
  int64_t sample(uint32_t c, uint32_t x, uint32_t y, int64_t most) const {
    const opj_image_comp_t& comp = image_.comps[c];
    const auto place = [](uint32_t at, uint32_t own, uint32_t all) {
      return own >= all ? std::min(at, own - 1) : std::min(static_cast<uint32_t>(uint64_t{at} * own / all), own - 1);
    };
    const size_t index = size_t{place(y, comp.h, height_)} * comp.w + place(x, comp.w, width_);
    const uint32_t bits = std::clamp(comp.prec, 1u, 31u);
    const int64_t top = (int64_t{1} << bits) - 1, zero = comp.sgnd != 0 ? int64_t{1} << (bits - 1) : 0;
    const int64_t value = std::clamp<int64_t>(comp.data[index] + zero, 0, top);
    return top == most ? value : (value * most + top / 2) / top;
  }
  static void to_rgb(uint8_t* pixel) {  // ITU-R BT.601, full range
    const double luma = pixel[0], cb = pixel[1] - 128.0, cr = pixel[2] - 128.0;
    const auto byte = [](double value) { return static_cast<uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)); };
    pixel[0] = byte(luma + 1.402 * cr);
    pixel[1] = byte(luma - 0.344136 * cb - 0.714136 * cr);
    pixel[2] = byte(luma + 1.772 * cb);
  }
  static void mix_inks(uint8_t* pixel, unsigned black) {  // 255 is full
    for (size_t c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(((255u - pixel[c]) * (255u - black) + 127) / 255);
  }

  const opj_image_t& image_;
  uint32_t width_ = 0, height_ = 0;
  size_t colours_ = 1;
  std::optional<uint32_t> alpha_;
  bool wide_, ycc_ = false, inks_ = false;
};

// A sample of a wavelet's level lies where the first pixel of its block does; ours are to lie in the middle of the block.
// Between two samples (or rows of them) the value there is `weight`/256 of the second.
class Recentred {
 public:
  Recentred(const Jp2Rows& rows, uint32_t levels)
      : rows_(rows), pixel_bytes_(bytes_per_pixel(rows.samples())), weight_(((1u << levels) - 1) * 128 >> levels) {
    for (auto& row : read_) row.resize(rows.width() * pixel_bytes_);
    between_.resize(rows.width() * pixel_bytes_);
    rows_.read(0, read_[1].data());
  }
  // In order, from 0 on.
  const uint8_t* row(uint32_t y) {
    std::swap(read_[0], read_[1]);
    rows_.read(std::min(y + 1, rows_.height() - 1), read_[1].data());
    const size_t bytes = between_.size();
    for (size_t i = 0; i < bytes; ++i) {
      const size_t right = i + pixel_bytes_ < bytes ? i + pixel_bytes_ : i;
      const unsigned upper = blend(read_[0][i], read_[0][right]), lower = blend(read_[1][i], read_[1][right]);
      between_[i] = static_cast<uint8_t>((upper * (256 - weight_) + lower * weight_ + 32768) >> 16);
    }
    return between_.data();
  }

 private:
  unsigned blend(unsigned first, unsigned second) const { return first * (256 - weight_) + second * weight_; }

  const Jp2Rows& rows_;
  size_t pixel_bytes_;
  unsigned weight_;
  std::array<std::vector<uint8_t>, 2> read_;  // this row and the next
  std::vector<uint8_t> between_;
};

void write_rows(const Jp2Rows& rows, uint32_t levels, Picture& picture) {
  ReducedRowWriter writer(picture, rows.samples(), levels, rows.width());
  if (levels > 0) {  // never with 16 bits: those who want them want every pixel
    Recentred recentred(rows, levels);
    for (uint32_t y = 0; y < rows.height(); ++y) writer.write(recentred.row(y));
  } else {
    std::vector<uint8_t> row(rows.width() * bytes_per_pixel(rows.samples()) * (picture.bits_per_sample / 8u));
    for (uint32_t y = 0; y < rows.height(); ++y) {
      rows.read(y, row.data());
      writer.write(row.data());
    }
  }
  writer.finish();
}

}  // namespace

Result<> decode_jp2(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  const auto codestream = find_codestream(file);
  PAIRLOOM_ASSIGN(const Size size, read_size(codestream));
  PAIRLOOM_TRY(begin_picture(picture, request, "JPEG 2000", size.width, size.height, file.size(), size.bits));
  picture.stored_bits = static_cast<uint8_t>(std::min(size.bits, 255u));
  Source source{file};
  const bool bare = codestream.data() == file.data();
  const Stream stream = open_stream(source);
  const Codec codec = open_codec(source, bare);
  if (stream == nullptr || codec == nullptr) return fail(Errc::kTooLarge, "JPEG 2000: no memory for the decoder");
  opj_image_t* opened = nullptr;
  const bool has_header = opj_read_header(stream.get(), codec.get(), &opened) != 0;
  const Image image(opened);
  if (!has_header || image == nullptr || image->numcomps == 0) return failed(source);

  const bool alike = tiles_are_alike(codestream);
  const Coding coding = read_coding(codec.get(), image->numcomps);
  const uint32_t levels =
      alike ? std::min(static_cast<uint32_t>(std::countr_zero(unsigned{picture.reduction})), coding.levels) : 0;
  if (opj_set_decoded_resolution_factor(codec.get(), levels) == 0) return failed(source);
  OPJ_UINT32 first = 0;
  // The transform is one of RGB, whatever profile that RGB has.
  const bool plain = image->color_space != OPJ_CLRSPC_SYCC && image->color_space != OPJ_CLRSPC_EYCC;
  const bool luma_only = alike && coding.first_is_luma && plain && picture.layout == PixelLayout::kGray;
  if (luma_only && opj_set_decoded_components(codec.get(), 1, &first, OPJ_FALSE) == 0) return failed(source);
  if (opj_decode(codec.get(), stream.get(), image.get()) == 0) return failed(source);
  if (!bare && !luma_only) opj_end_decompress(codec.get(), stream.get());

  const Jp2Rows rows(*image, luma_only, picture.bits_per_sample == 16);
  if (!rows.is_complete()) return failed(source);
  picture.has_alpha = rows.has_alpha();
  write_rows(rows, levels, picture);
  if (luma_only) picture.is_gray = false;
  if (source.warning[0] != 0) {
    picture.damaged = true;
    picture.warning = fmt::format("JPEG 2000: {}", source.warning);
  }
  return {};
}

std::string jp2_library() {
  return fmt::format("OpenJPEG {}", opj_version());
}

}  // namespace pairloom::workerproc
