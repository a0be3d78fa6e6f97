// The transform job on the wire: the set-up says what the output picture is, pixel by pixel; a task is a band of its
// rows; what comes back is that band as it stands in the output file. Runs in: supervisor, worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "jobs/raster.h"

namespace pairloom::jobs {

// Where the pixels of the output come from. All angles in degrees.
enum class MapKind : uint32_t {
  kTransverseMercator = 1,  // a map of the world -> transverse Mercator, the poles at 90 E and W on its equator
  kMercator = 2,            // a map of the world -> Mercator
  kEquirectangular = 3,     // a map of the world -> latitudes and longitudes as a plain grid
  kRotate = 4,              // about the centre, counter-clockwise
  kResize = 5,              // to another size
  kRemap = 6,               // for every output pixel two numbers say where: the grids x and y
};
// How the source, if it is a map of the world (180 W to 180 E), tells latitudes.
enum class Projection : uint32_t { kMercator = 1, kEquirectangular = 2 };
// How a value between pixels is found. kAuto, for kResize: kArea where it gets smaller, kBicubic where larger; for the
// others kBilinear.
enum class Interpolation : uint32_t { kAuto = 0, kNearest = 1, kBilinear = 2, kBicubic = 3, kArea = 4 };
enum class Precision : uint32_t {
  kFull = 1,
  kTutorial = 2,  // kTransverseMercator only: every step rounded as in the tutorial, nearest pixel
};
enum class Container : uint32_t { kPng = 1, kPnm = 2 };
enum class Channels : uint32_t { kGray = 1, kRgb = 3, kRgba = 4 };  // 8 bits each, in the output

struct TransformSetup {
  RasterInfo source;
  uint32_t source_has_alpha = 0;  // 0 or 1
  MapKind map = MapKind::kRotate;
  Projection source_projection = Projection::kMercator;
  Interpolation interpolation = Interpolation::kAuto;
  Precision precision = Precision::kFull;
  Container container = Container::kPng;
  Channels channels = Channels::kRgb;
  uint32_t width_px = 0, height_px = 0;  // of the output
  uint32_t strip_rows = 1;               // rows that are compressed together; strips begin at multiples of it
  double latitude_limit_deg = 85.0511287798066;  // of Mercator maps, source and output; 85.05.. makes them square
  double angle_deg = 0;
  std::array<uint8_t, 4> fill = {0, 0, 0, 255};  // R, G, B, A of output pixels that come from nowhere
};
std::vector<std::byte> encode(const TransformSetup& setup);
Result<TransformSetup> decode_transform_setup(std::span<const std::byte> bytes);

// Rows [first_row, first_row + row_count) of the output.
struct BandTask {
  uint32_t first_row = 0, row_count = 0;
};
std::vector<std::byte> encode(const BandTask& task);
Result<BandTask> decode_band_task(std::span<const std::byte> bytes, uint32_t height_px);

// One record of a band: this, then bytes of the output file that follow those of the record before.
struct BandPart {
  uint32_t first_row, row_count;  // which band
  uint32_t part;                  // 0, 1, 2, ..
  uint32_t adler32;               // in the last part: of the band's uncompressed bytes; 0 for kPnm
};
constexpr uint64_t kMaxPartBytes = 192 * 1024;  // without the header
// kProtocol unless it is the part of that number of that band. `last` parts may be empty.
Result<BandPart> decode_band_part(std::span<const std::byte> record, const BandTask& task, uint32_t part);

}  // namespace pairloom::jobs
