// Camera raws by LibRaw. The picture of such a file is the one that the camera rendered and put into it (at full size in
// most), which is what every viewer shows; the sensor's numbers are developed only where there is none of use.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <libraw/libraw.h>

#include "workerproc/decode/formats.h"
#include "workerproc/decode/raster.h"

// Of libgomp, with which LibRaw is linked. <omp.h> belongs to a compiler, and Debian's Clang comes without one.
extern "C" void omp_set_num_threads(int);

namespace pairloom::workerproc {
namespace {

// A preview is taken whatever the request, so that all codes of a file are of one picture.
constexpr uint32_t kMinPreviewShortSidePx = 256;
constexpr unsigned kMaxSensorMegabytes = 2048;

struct Size {
  uint64_t width = 0, height = 0;
};

tl::unexpected<Error> failed(int code) {
  switch (code) {
    case LIBRAW_FILE_UNSUPPORTED:
    case LIBRAW_NOT_IMPLEMENTED:
      return fail(Errc::kUnsupported, "camera raw: of a camera that LibRaw does not know");
    case LIBRAW_UNSUFFICIENT_MEMORY:
    case LIBRAW_TOO_BIG:
      return fail(Errc::kTooLarge, "camera raw: not enough memory to decode it");
    default:
      return fail(Errc::kCorrupt, fmt::format("camera raw: {}", libraw_strerror(code)));
  }
}

// LibRaw's bits (4: transposed, 2: upside down, 1: mirrored) or degrees -> EXIF.
uint8_t orientation_of(int flip) {
  static constexpr uint8_t kOrientations[] = {1, 2, 4, 3, 5, 8, 6, 7};
  switch (flip) {
    case 90:
      return 6;
    case 180:
      return 3;
    case 270:
      return 8;
    default:
      return flip >= 0 && flip < 8 ? kOrientations[flip] : uint8_t{1};
  }
}

// Within what cameras cut off at the edges. Some previews are letterboxed, or cut to another shape: not the picture.
bool is_same_shape(Size a, Size b) {
  const auto across = static_cast<double>(a.width * b.height), down = static_cast<double>(a.height * b.width);
  return across > 0 && down > 0 && std::max(across, down) / std::min(across, down) < 1.03;
}

// How a preview lies: as the sensor's picture, or upright already. Its own word counts first.
uint8_t preview_orientation(uint8_t own, uint8_t sensor, bool same_shape) {
  if (own != 1) return own;
  return same_shape ? sensor : uint8_t{1};
}

// True if the preview was of use and is in `picture` now.
bool decode_preview(LibRaw& raw, const DecodeRequest& request, Size sensor, Picture& picture) {
  if (raw.unpack_thumb() != LIBRAW_SUCCESS) return false;
  const libraw_thumbnail_t& preview = raw.imgdata.thumbnail;
  if (preview.thumb == nullptr || preview.tlength == 0) return false;
  const auto bytes = std::as_bytes(std::span(preview.thumb, preview.tlength));
  if (preview.tformat == LIBRAW_THUMBNAIL_JPEG) {
    if (!decode_jpeg(bytes, request, picture)) return false;
  } else if (preview.tformat == LIBRAW_THUMBNAIL_BITMAP && preview.tcolors == 3) {
    const size_t row_bytes = size_t{preview.twidth} * 3;
    if (row_bytes * preview.theight > bytes.size() ||
        !begin_picture(picture, request, "camera raw", preview.twidth, preview.theight, bytes.size()))
      return false;
    RowWriter writer(picture, Samples::kRgb);
    for (size_t y = 0; y < preview.theight; ++y)
      writer.write(reinterpret_cast<const uint8_t*>(bytes.data()) + y * row_bytes);
  } else {
    return false;
  }
  const Size size{picture.full_width_px, picture.full_height_px}, turned{sensor.height, sensor.width};
  const bool same_shape = is_same_shape(size, sensor);
  if (std::min(size.width, size.height) < kMinPreviewShortSidePx || (!same_shape && !is_same_shape(size, turned)))
    return false;
  picture.orientation =
      preview_orientation(picture.orientation, orientation_of(raw.imgdata.sizes.flip), same_shape);
  const bool upright = !same_shape;  // then the original's sides are told as they lie here
  picture.original_width_px = static_cast<uint32_t>(upright ? sensor.height : sensor.width);
  picture.original_height_px = static_cast<uint32_t>(upright ? sensor.width : sensor.height);
  return true;
}

struct Release {
  void operator()(libraw_processed_image_t* image) const { LibRaw::dcraw_clear_mem(image); }
};

// Develops the sensor's numbers as LibRaw does by default, with the camera's white balance; where means of many pixels
// are wanted, four sensor elements to a pixel.
Result<> develop(LibRaw& raw, const DecodeRequest& request, Size sensor, size_t file_bytes, Picture& picture) {
  const uint8_t orientation = orientation_of(raw.imgdata.sizes.flip);  // LibRaw forgets it below
  libraw_output_params_t& params = raw.imgdata.params;
  const uint64_t half_short_side = std::min(sensor.width, sensor.height) / 2;
  params.half_size = request.min_short_side_px > 0 &&
                             half_short_side >= std::max(request.min_short_side_px, kMinPreviewShortSidePx)
                         ? 1
                         : 0;
  params.use_camera_wb = 1;
  params.user_flip = 0;
  params.user_qual = 0;  // bilinear
  params.output_bps = 8;
  params.max_raw_memory_mb = kMaxSensorMegabytes;
  if (const int code = raw.unpack(); code != LIBRAW_SUCCESS) return failed(code);
  if (const int code = raw.dcraw_process(); code != LIBRAW_SUCCESS) return failed(code);
  int code = LIBRAW_SUCCESS;
  const std::unique_ptr<libraw_processed_image_t, Release> image(raw.dcraw_make_mem_image(&code));
  if (image == nullptr) return failed(code);
  const size_t row_bytes = size_t{image->width} * image->colors;
  if (image->type != LIBRAW_IMAGE_BITMAP || image->bits != 8 || (image->colors != 1 && image->colors != 3) ||
      row_bytes * image->height > image->data_size)
    return fail(Errc::kUnsupported, "camera raw: colours of such a kind are not supported");
  PAIRLOOM_TRY(begin_picture(picture, request, "camera raw", image->width, image->height, file_bytes));
  RowWriter writer(picture, image->colors == 1 ? Samples::kGray : Samples::kRgb);
  for (size_t y = 0; y < image->height; ++y) writer.write(image->data + y * row_bytes);
  picture.orientation = orientation;
  picture.original_width_px = static_cast<uint32_t>(sensor.width);
  picture.original_height_px = static_cast<uint32_t>(sensor.height);
  return {};
}

Result<> decode_with(LibRaw& raw, std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  if (const int code = raw.open_buffer(const_cast<std::byte*>(file.data()), file.size()); code != LIBRAW_SUCCESS) return failed(code);
  const libraw_image_sizes_t& sizes = raw.imgdata.sizes;
  const Size sensor{sizes.width, sizes.height};
  if (sensor.width == 0 || sensor.height == 0) return fail(Errc::kCorrupt, "camera raw: there is no picture in it");
  if (uint64_t{sizes.raw_width} * sizes.raw_height > request.max_pixels)
    return fail(Errc::kTooLarge, fmt::format("camera raw: {}x{} pixels exceed the limit of {}", sizes.raw_width,
                                             sizes.raw_height, request.max_pixels));
  Picture preview;
  std::swap(preview.pixels, picture.pixels);
  const bool has_preview = decode_preview(raw, request, sensor, preview);
  std::swap(preview.pixels, picture.pixels);
  if (has_preview) {
    preview.pixels = std::move(picture.pixels);
    picture = std::move(preview);
    picture.format = ImageFormat::kRaw;
    return {};
  }
  return develop(raw, request, sensor, file.size(), picture);
}

}  // namespace

Result<> decode_raw(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  prepare_raw();
  try {
    const auto raw = std::make_unique<LibRaw>(LIBRAW_OPIONS_NO_MEMERR_CALLBACK | LIBRAW_OPIONS_NO_DATAERR_CALLBACK);
    return decode_with(*raw, file, request, picture);
  } catch (const std::bad_alloc&) {
    throw;  // decode() tells
  } catch (...) {
    return fail(Errc::kCorrupt, "camera raw: damaged data");
  }
}

void prepare_raw() {
  omp_set_num_threads(1);  // workers are one per core
}

std::string raw_library() {
  return fmt::format("LibRaw {}", LibRaw::version());
}

}  // namespace pairloom::workerproc
