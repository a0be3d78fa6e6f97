#include "tests/fuzz/jpeg_variants.h"

#include <algorithm>
#include <cmath>
#include <cstdio>  // before jpeglib.h, which needs FILE
#include <cstdlib>
#include <sstream>

#include <jpeglib.h>

namespace pairloom::test {
namespace {

// Shapes of high contrast over a gradient, and grain: how much of each depends on the seed.
std::vector<uint8_t> draw(const JpegVariant& variant, int channels) {
  Random random(variant.seed);
  const uint32_t grain = std::array<uint32_t, 6>{1, 2, 8, 30, 90, 256}[random.below(6)];
  const int slope = static_cast<int>(random.below(9)) - 4, base = static_cast<int>(random.below(256));
  const int wave = static_cast<int>(random.below(3)) * 60;
  const double frequency = 0.02 + random.below(100) / 33.0;
  std::vector<uint8_t> pixels(static_cast<size_t>(variant.width) * static_cast<size_t>(variant.height) *
                              static_cast<size_t>(channels));
  const int edge = static_cast<int>(random.below(static_cast<uint32_t>(variant.width)));
  const int contrast = random.one_in(2) ? static_cast<int>(random.below(256)) : 0;
  size_t at = 0;
  for (int y = 0; y < variant.height; ++y)
    for (int x = 0; x < variant.width; ++x)
      for (int c = 0; c < channels; ++c) {
        const double ripple = std::sin(frequency * (x + 0.7 * y)) * wave * (c == 1 ? -1 : 1);
        const int value = base + slope * (x - y + 5 * c) / 2 + static_cast<int>(ripple) +
                          (x > edge + y / 3 ? contrast : 0) + static_cast<int>(random.below(grain)) -
                          static_cast<int>(grain) / 2;
        pixels[at++] = static_cast<uint8_t>(std::clamp(value, 0, 255));
      }
  return pixels;
}

J_COLOR_SPACE stored_colour(JpegVariant::Colour colour) {
  switch (colour) {
    case JpegVariant::Colour::kGray:
      return JCS_GRAYSCALE;
    case JpegVariant::Colour::kRgb:
      return JCS_RGB;
    case JpegVariant::Colour::kCmyk:
      return JCS_CMYK;
    case JpegVariant::Colour::kYcck:
      return JCS_YCCK;
    case JpegVariant::Colour::kYcc:
      break;
  }
  return JCS_YCbCr;
}

jpeg_scan_info scan(std::initializer_list<int> components, int first, int last, int high, int low) {
  jpeg_scan_info info{};
  info.comps_in_scan = static_cast<int>(components.size());
  std::copy(components.begin(), components.end(), info.component_index);
  info.Ss = first;
  info.Se = last;
  info.Ah = high;
  info.Al = low;
  return info;
}

std::vector<jpeg_scan_info> scan_script(JpegVariant::Scans scans, int components) {
  std::vector<jpeg_scan_info> script;
  for (int c = 0; c < components; ++c) switch (scans) {
      case JpegVariant::Scans::kPerComponent:
        script.push_back(scan({c}, 0, 63, 0, 0));
        break;
      case JpegVariant::Scans::kProgressivePlain:
        script.push_back(scan({c}, 0, 0, 0, 0));
        script.push_back(scan({c}, 1, 63, 0, 0));
        break;
      case JpegVariant::Scans::kProgressiveApart:
        script.push_back(scan({c}, 0, 0, 0, 3));
        script.push_back(scan({c}, 1, 63, 0, 1));
        script.push_back(scan({c}, 0, 0, 3, 2));
        script.push_back(scan({c}, 1, 63, 1, 0));
        script.push_back(scan({c}, 0, 0, 2, 1));
        script.push_back(scan({c}, 0, 0, 1, 0));
        break;
      case JpegVariant::Scans::kProgressiveBroken:
        script.push_back(scan({c}, 0, 0, 0, 1));
        script.push_back(scan({c}, 1, 9, 0, 1));
        script.push_back(scan({c}, 0, 0, 1, 0));
        break;
      default:
        break;
    }
  return script;
}

std::vector<std::byte> take(unsigned char* memory, unsigned long size) {
  const auto* begin = reinterpret_cast<const std::byte*>(memory);
  std::vector<std::byte> bytes(begin, begin + size);
  std::free(memory);
  return bytes;
}

// libjpeg writes 8-bit tables where the values allow; a 16-bit one says the same. Rewrites the DQT segments.
std::vector<std::byte> with_wide_quant(const std::vector<std::byte>& jpeg) {
  std::vector<std::byte> out(jpeg.begin(), jpeg.begin() + 2);
  for (size_t at = 2; at + 4 <= jpeg.size();) {
    const auto code = std::to_integer<uint8_t>(jpeg[at + 1]);
    const size_t length = std::to_integer<size_t>(jpeg[at + 2]) << 8 | std::to_integer<size_t>(jpeg[at + 3]);
    const bool narrow = code == 0xDB && length == 67 && std::to_integer<uint8_t>(jpeg[at + 4]) < 16;
    if (narrow) {
      for (const size_t value : {size_t{0xFF}, size_t{0xDB}, size_t{0}, size_t{131}})
        out.push_back(static_cast<std::byte>(value));
      out.push_back(jpeg[at + 4] | std::byte{0x10});
      for (size_t i = 0; i < 64; ++i) {
        out.push_back(std::byte{0});
        out.push_back(jpeg[at + 5 + i]);
      }
    } else {
      out.insert(out.end(), jpeg.begin() + static_cast<ptrdiff_t>(at),
                 jpeg.begin() + static_cast<ptrdiff_t>(at + 2 + length));
    }
    at += 2 + length;
    if (code == 0xDA) {
      out.insert(out.end(), jpeg.begin() + static_cast<ptrdiff_t>(at), jpeg.end());
      break;
    }
  }
  return out;
}

}  // namespace

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::string describe(const JpegVariant& v) {
  std::ostringstream text;
  text << v.width << "x" << v.height << " seed " << v.seed << " quality " << v.quality << " colour "
       << static_cast<int>(v.colour) << " scans " << static_cast<int>(v.scans) << " sampling";
  for (const auto& factors : v.sampling) text << " " << factors[0] << "x" << factors[1];
  text << " restart " << v.restart_mcus << (v.optimized ? " optimized" : "") << (v.wide_quant ? " wide" : "")
       << (v.arithmetic ? " arithmetic" : "") << (v.jfif ? "" : " no-jfif") << (v.adobe ? " adobe" : "");
  return text.str();
}

std::vector<std::byte> make_jpeg(const JpegVariant& variant) {
  const bool four = variant.colour == JpegVariant::Colour::kCmyk || variant.colour == JpegVariant::Colour::kYcck;
  const bool gray = variant.colour == JpegVariant::Colour::kGray;
  const int channels = gray ? 1 : four ? 4 : 3;
  const std::vector<uint8_t> pixels = draw(variant, channels);

  jpeg_compress_struct c{};
  jpeg_error_mgr errors{};
  c.err = jpeg_std_error(&errors);  // prints and exits on errors: right for a test's own encoder
  errors.emit_message = [](j_common_ptr, int) {};
  jpeg_create_compress(&c);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&c, &memory, &size);
  c.image_width = static_cast<JDIMENSION>(variant.width);
  c.image_height = static_cast<JDIMENSION>(variant.height);
  c.input_components = channels;
  c.in_color_space = gray ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&c);
  jpeg_set_colorspace(&c, stored_colour(variant.colour));
  jpeg_set_quality(&c, variant.quality, variant.wide_quant ? FALSE : TRUE);
  for (int i = 0; i < channels; ++i) {
    c.comp_info[i].h_samp_factor = variant.sampling[static_cast<size_t>(i)][0];
    c.comp_info[i].v_samp_factor = variant.sampling[static_cast<size_t>(i)][1];
  }
  c.optimize_coding = variant.optimized ? TRUE : FALSE;
  c.arith_code = variant.arithmetic ? TRUE : FALSE;
  c.restart_interval = static_cast<unsigned>(variant.restart_mcus);
  c.write_JFIF_header = variant.jfif && (channels == 1 || variant.colour == JpegVariant::Colour::kYcc) ? TRUE : FALSE;
  c.write_Adobe_marker = variant.adobe || variant.colour == JpegVariant::Colour::kRgb || four ? TRUE : FALSE;
  const std::vector<jpeg_scan_info> script = scan_script(variant.scans, channels);
  if (variant.scans == JpegVariant::Scans::kProgressive) {
    jpeg_simple_progression(&c);
  } else if (!script.empty()) {
    c.scan_info = script.data();
    c.num_scans = static_cast<int>(script.size());
  }
  jpeg_start_compress(&c, TRUE);
  const size_t row_bytes = static_cast<size_t>(variant.width) * static_cast<size_t>(channels);
  while (c.next_scanline < c.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels.data() + c.next_scanline * row_bytes);
    jpeg_write_scanlines(&c, &row, 1);
  }
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  const std::vector<std::byte> jpeg = take(memory, size);
  return variant.wide_quant ? with_wide_quant(jpeg) : jpeg;
}

JpegVariant pick_variant(uint64_t index, int max_side) {
  using Colour = JpegVariant::Colour;
  using Scans = JpegVariant::Scans;
  Random random(index);
  JpegVariant v;
  const auto side = [&] { return 1 + static_cast<int>(random.below(static_cast<uint32_t>(max_side))); };
  v.width = side();
  v.height = side();
  v.seed = random.next();
  v.quality = 1 + static_cast<int>(random.below(100));
  v.colour = random.one_in(5) ? Colour::kGray : Colour::kYcc;
  if (random.one_in(20)) v.colour = std::array{Colour::kRgb, Colour::kCmyk, Colour::kYcck}[random.below(3)];
  // 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1, 4:1:0 and odd ones; chroma of two kinds; luma that is not the finest
  static constexpr std::array<std::array<std::array<int, 2>, 4>, 12> kSamplings = {
      {{{{1, 1}, {1, 1}, {1, 1}, {1, 1}}},
       {{{2, 1}, {1, 1}, {1, 1}, {2, 1}}},
       {{{2, 2}, {1, 1}, {1, 1}, {2, 2}}},
       {{{1, 2}, {1, 1}, {1, 1}, {1, 2}}},
       {{{4, 1}, {1, 1}, {1, 1}, {4, 1}}},
       {{{4, 2}, {1, 1}, {1, 1}, {1, 1}}},
       {{{1, 4}, {1, 2}, {1, 1}, {1, 1}}},
       {{{2, 2}, {2, 1}, {1, 2}, {1, 1}}},
       {{{3, 1}, {3, 1}, {1, 1}, {3, 1}}},
       {{{2, 2}, {2, 2}, {1, 1}, {1, 1}}},
       {{{3, 2}, {1, 1}, {1, 2}, {1, 1}}},
       {{{1, 1}, {2, 2}, {1, 1}, {1, 1}}}}};
  const bool four = v.colour == Colour::kCmyk || v.colour == Colour::kYcck;
  v.sampling =
      kSamplings[random.below(four ? 4u : static_cast<uint32_t>(kSamplings.size()))];  // an MCU has 10 blocks at most
  if (random.one_in(4))
    v.scans = std::array{Scans::kPerComponent, Scans::kProgressive, Scans::kProgressivePlain, Scans::kProgressiveApart,
                         Scans::kProgressiveBroken}[random.below(5)];
  v.optimized = random.one_in(3);
  v.wide_quant = random.one_in(8);
  v.arithmetic = !v.optimized && random.one_in(60);
  v.jfif = !random.one_in(5);
  v.adobe = random.one_in(5);
  if (random.one_in(4)) v.restart_mcus = 1 + static_cast<int>(random.below(20));
  return v;
}

std::vector<std::byte> recode_jpeg(std::span<const std::byte> jpeg, const JpegRecoding& recoding) {
  jpeg_error_mgr errors{};
  jpeg_decompress_struct d{};
  jpeg_compress_struct c{};
  d.err = c.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&d);
  jpeg_create_compress(&c);
  jpeg_mem_src(&d, reinterpret_cast<const unsigned char*>(jpeg.data()), jpeg.size());
  jpeg_read_header(&d, TRUE);
  jvirt_barray_ptr* coefficients = jpeg_read_coefficients(&d);
  jpeg_copy_critical_parameters(&d, &c);
  c.optimize_coding = recoding.optimized ? TRUE : FALSE;
  c.restart_interval = static_cast<unsigned>(recoding.restart_mcus);
  if (recoding.progressive) jpeg_simple_progression(&c);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&c, &memory, &size);
  jpeg_write_coefficients(&c, coefficients);
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  jpeg_finish_decompress(&d);
  jpeg_destroy_decompress(&d);
  return take(memory, size);
}

}  // namespace pairloom::test
