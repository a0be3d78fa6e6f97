// PNG: the common kind by our own decoder (png_plain.h), all else and all doubt by libpng, row by row. libpng leaves by longjmp: guarded() is the one place that catches it, and what runs inside
// owns nothing that would need a destructor.
#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <png.h>

#include "workerproc/decode/area_writer.h"
#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/exif.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/png_plain.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr png_alloc_size_t kMaxChunkBytes = 8u << 20;

// What the chunk list says that is taken past libpng. W3C PNG (third edition), 5.3 and 11.3.
struct Chunks {
  uint8_t orientation = 1;
  bool animated = false;
};

Chunks read_chunks(std::span<const std::byte> file) {
  const ByteReader reader(file, true);
  Chunks chunks;
  for (size_t at = 8; reader.has(at, 12);) {
    const size_t length = *reader.u32(at);
    if (reader.starts_with("eXIf", at + 4)) chunks.orientation = exif_orientation(reader.slice(at + 8, length));
    if (reader.starts_with("acTL", at + 4)) chunks.animated = reader.u32(at + 8).value_or(0) > 1;
    if (reader.starts_with("IEND", at + 4)) break;
    at += 12 + length;
  }
  return chunks;
}

// The state of one file. libpng's callbacks and steps see it through a plain reference.
struct Reading {
  std::span<const std::byte> file;
  size_t at = 0;
  png_structp png = nullptr;
  png_infop info = nullptr;
  char error[200] = "";
  char warning[200] = "";
  bool keep_16_bits = false;
  bool in_pixels = false;  // warnings before are about metadata, not about the picture
  RowWriter* writer = nullptr;          // of a file that is not interlaced
  AreaWriter* area_writer = nullptr;    // of one that is
  uint8_t* row = nullptr;
  size_t row_bytes = 0;

  explicit Reading(std::span<const std::byte> bytes) : file(bytes) {}
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
};

void copy_text(char (&to)[200], const char* text) {
  const size_t length = std::min(strlen(text), sizeof to - 1);
  memcpy(to, text, length);
  to[length] = 0;
}
void on_error(png_structp png, png_const_charp text) {
  copy_text(static_cast<Reading*>(png_get_error_ptr(png))->error, text);
  png_longjmp(png, 1);
}
void on_warning(png_structp png, png_const_charp text) {
  auto& reading = *static_cast<Reading*>(png_get_error_ptr(png));
  if (reading.in_pixels && reading.warning[0] == 0) copy_text(reading.warning, text);
}
void on_read(png_structp png, png_bytep data, size_t size) {
  auto& reading = *static_cast<Reading*>(png_get_io_ptr(png));
  if (size > reading.file.size() - reading.at) png_error(png, "the file ends too early");
  memcpy(data, reading.file.data() + reading.at, size);
  reading.at += size;
}

// False if `step` left by longjmp; the reason is in reading.error. `step` must not hold objects with destructors.
bool guarded(Reading& reading, void (*step)(Reading&)) {
  if (setjmp(png_jmpbuf(reading.png))) return false;
  step(reading);
  return true;
}

// Only chunks that change pixels are looked at (PLTE, tRNS); texts, profiles and the rest are skipped unread.
void ignore_metadata(png_structp png) {
  static const png_byte kNames[] =
      "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, kNames, static_cast<int>(sizeof kNames / 5));
}

void read_header(Reading& reading) {
  png_structp png = reading.png;
  png_set_user_limits(png, kMaxSidePx, kMaxSidePx);
  png_set_chunk_malloc_max(png, kMaxChunkBytes);
  png_set_chunk_cache_max(png, 16);
  ignore_metadata(png);
  png_set_crc_action(png, PNG_CRC_WARN_USE, PNG_CRC_WARN_DISCARD);  // a wrong checksum is damage, not the end
  png_read_info(png, reading.info);
}

// Whatever the file holds -> 8 bits (or 16, of native byte order) of gray, gray + alpha, RGB or RGBA.
void start_rows(Reading& reading) {
  png_structp png = reading.png;
  png_set_expand(png);
  if (!reading.keep_16_bits)
    png_set_scale_16(png);
  else if constexpr (std::endian::native == std::endian::little)
    png_set_swap(png);
  png_read_update_info(png, reading.info);
  reading.row_bytes = png_get_rowbytes(png, reading.info);
}

// First column and row of each pass, and how far apart its pixels are. W3C PNG, 8.1.
struct Pass {
  png_uint_32 left, top, step_x, step_y;
};
constexpr Pass kAdam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                           {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

void read_rows(Reading& reading) {
  png_structp png = reading.png;
  const png_uint_32 height = png_get_image_height(png, reading.info);
  reading.in_pixels = true;
  if (png_get_interlace_type(png, reading.info) == PNG_INTERLACE_NONE) {
    for (png_uint_32 y = 0; y < height; ++y) {
      png_read_row(png, reading.row, nullptr);
      reading.writer->write(reading.row);
    }
  } else {
    // Each pass as it comes, so that the full raster need not be in memory.
    const png_uint_32 width = png_get_image_width(png, reading.info);
    for (const auto& [left, top, step_x, step_y] : kAdam7)
      for (png_uint_32 y = top; y < height && left < width; y += step_y) {
        png_read_row(png, reading.row, nullptr);
        reading.area_writer->write(left, y, (width - left + step_x - 1) / step_x, reading.row, step_x);
      }
  }
  png_read_end(png, nullptr);
}

tl::unexpected<Error> corrupt(const Reading& reading) {
  return fail(Errc::kCorrupt, fmt::format("PNG: {}", reading.error));
}

}  // namespace

Result<> decode_png(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  const ByteReader header(file, true);
  if (!header.starts_with("IHDR", 12) || !header.has(0, 25)) return fail(Errc::kCorrupt, "PNG: there is no header");
  const uint32_t width = *header.u32(16), height = *header.u32(20);
  PAIRLOOM_TRY(begin_picture(picture, request, "PNG", width, height, file.size(), *header.u8(24)));
  const Chunks chunks = read_chunks(file);
  picture.orientation = chunks.orientation;
  picture.stored_bits = static_cast<uint8_t>(*header.u8(24));
  picture.animated = chunks.animated;
  if (decode_plain_png(file, picture)) return {};

  Reading reading(file);
  reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, on_error, on_warning);
  if (reading.png != nullptr) reading.info = png_create_info_struct(reading.png);
  if (reading.info == nullptr) return fail(Errc::kTooLarge, "PNG: no memory for the decoder");
  png_set_read_fn(reading.png, &reading, on_read);
  reading.keep_16_bits = picture.bits_per_sample == 16;
  if (!guarded(reading, read_header) || !guarded(reading, start_rows)) return corrupt(reading);

  static constexpr Samples kSamples[] = {Samples::kGray, Samples::kGrayAlpha, Samples::kRgb, Samples::kRgba};
  const Samples samples = kSamples[png_get_channels(reading.png, reading.info) - 1];
  picture.has_alpha = samples == Samples::kGrayAlpha || samples == Samples::kRgba;
  const bool interlaced = png_get_interlace_type(reading.png, reading.info) != PNG_INTERLACE_NONE;
  std::vector<uint8_t> row(reading.row_bytes);
  reading.row = row.data();
  std::optional<RowWriter> writer;
  std::optional<AreaWriter> area_writer;
  if (interlaced)
    reading.area_writer = &area_writer.emplace(picture, samples);
  else
    reading.writer = &writer.emplace(picture, samples);
  const bool whole = guarded(reading, read_rows);
  if (interlaced) area_writer->finish();
  if (!whole) {
    if (interlaced ? !area_writer->is_complete() : writer->rows_written() < height) return corrupt(reading);
    copy_text(reading.warning, reading.error);  // all pixels are there; what follows them is not right
  }
  if (reading.warning[0] != 0) {
    picture.damaged = true;
    picture.warning = fmt::format("PNG: {}", reading.warning);
  }
  return {};
}

std::string png_library() {
  return fmt::format("libpng {}", png_get_libpng_ver(nullptr));
}

}  // namespace pairloom::workerproc
