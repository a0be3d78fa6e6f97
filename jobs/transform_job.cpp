#include "jobs/transform_job.h"

#include <fmt/format.h>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace pairloom::jobs {
namespace {

static_assert(std::is_trivially_copyable_v<TransformSetup> && sizeof(TransformSetup) == 80);
static_assert(sizeof(BandTask) == 8 && sizeof(BandPart) == 16);

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {bytes.begin(), bytes.end()};
}

bool is_known(const TransformSetup& s) {
  const auto among = [](auto value, uint32_t first, uint32_t last) {
    return static_cast<uint32_t>(value) >= first && static_cast<uint32_t>(value) <= last;
  };
  return among(s.source.type, 1, 2) && s.source_has_alpha <= 1 && among(s.map, 1, 6) &&
         among(s.source_projection, 1, 2) && among(s.interpolation, 0, 4) && among(s.precision, 1, 2) &&
         among(s.container, 1, 2) && among(s.channels, 1, 4) && s.channels != Channels{2};
}

bool has_size(uint32_t width, uint32_t height) {
  return width >= 1 && width <= kMaxRasterSidePx && height >= 1 && height <= kMaxRasterSidePx;
}

}  // namespace

std::vector<std::byte> encode(const TransformSetup& setup) {
  return bytes_of(setup);
}

Result<TransformSetup> decode_transform_setup(std::span<const std::byte> bytes) {
  TransformSetup setup;
  if (bytes.size() != sizeof setup) return fail(Errc::kProtocol, "transform setup: wrong size");
  std::memcpy(&setup, bytes.data(), sizeof setup);
  if (!is_known(setup)) return fail(Errc::kProtocol, "transform setup: unknown choice");
  if (!has_size(setup.source.width_px, setup.source.height_px) || !has_size(setup.width_px, setup.height_px) ||
      setup.strip_rows == 0 || setup.strip_rows > setup.height_px)
    return fail(Errc::kProtocol, "transform setup: impossible size");
  if (!(setup.latitude_limit_deg > 0 && setup.latitude_limit_deg < 90) || !std::isfinite(setup.angle_deg))
    return fail(Errc::kProtocol, "transform setup: impossible angle");
  return setup;
}

std::vector<std::byte> encode(const BandTask& task) {
  return bytes_of(task);
}

Result<BandTask> decode_band_task(std::span<const std::byte> bytes, uint32_t height_px) {
  BandTask task;
  if (bytes.size() != sizeof task) return fail(Errc::kProtocol, "band task: wrong size");
  std::memcpy(&task, bytes.data(), sizeof task);
  if (task.row_count == 0 || task.first_row >= height_px || task.row_count > height_px - task.first_row)
    return fail(Errc::kProtocol, fmt::format("band task: {} rows from {}", task.row_count, task.first_row));
  return task;
}

Result<BandPart> decode_band_part(std::span<const std::byte> record, const BandTask& task, uint32_t part) {
  BandPart header;
  if (record.size() < sizeof header) return fail(Errc::kProtocol, "band: too short");
  std::memcpy(&header, record.data(), sizeof header);
  if (header.first_row != task.first_row || header.row_count != task.row_count || header.part != part)
    return fail(Errc::kProtocol, fmt::format("band: part {} of {} rows from {}, expected part {} of {} from {}",
                                             header.part, header.row_count, header.first_row, part, task.row_count,
                                             task.first_row));
  return header;
}

}  // namespace pairloom::jobs
