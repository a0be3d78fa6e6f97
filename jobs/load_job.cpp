#include "jobs/load_job.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

namespace pairloom::jobs {
namespace {

constexpr size_t kMaxMessageBytes = 500;

struct LoadedWire {
  uint8_t outcome, format, has_alpha, damaged;
  uint32_t stored_bits;
  uint32_t width_px, height_px;
  uint32_t pixel_type;
  uint32_t message_bytes;
};  // then the message
static_assert(sizeof(LoadSetup) == 16 && sizeof(LoadedWire) == 24);

tl::unexpected<Error> bad(const std::string& what) {
  return fail(Errc::kProtocol, "loaded file: " + what);
}

}  // namespace

std::vector<std::byte> encode(const LoadSetup& setup) {
  std::vector<std::byte> out(sizeof setup);
  std::memcpy(out.data(), &setup, sizeof setup);
  return out;
}

Result<LoadSetup> decode_load_setup(std::span<const std::byte> bytes) {
  LoadSetup setup;
  if (bytes.size() != sizeof setup) return fail(Errc::kProtocol, "load setup: wrong size");
  std::memcpy(&setup, bytes.data(), sizeof setup);
  return setup;
}

std::vector<std::byte> encode(const LoadTask& task) {
  const auto what = static_cast<uint32_t>(task.what);
  std::vector<std::byte> out(sizeof what + task.path.size());
  std::memcpy(out.data(), &what, sizeof what);
  std::memcpy(out.data() + sizeof what, task.path.data(), task.path.size());
  return out;
}

Result<LoadTask> decode_load_task(std::span<const std::byte> bytes) {
  uint32_t what = 0;
  if (bytes.size() < sizeof what) return fail(Errc::kProtocol, "load task: too short");
  std::memcpy(&what, bytes.data(), sizeof what);
  if (what < 1 || what > 3) return fail(Errc::kProtocol, fmt::format("load task: kind {}", what));
  const auto path = bytes.subspan(sizeof what);
  return LoadTask{static_cast<LoadTask::What>(what),
                  std::string(reinterpret_cast<const char*>(path.data()), path.size())};
}

std::vector<std::byte> encode(const Loaded& loaded) {
  LoadedWire wire{};
  wire.outcome = static_cast<uint8_t>(loaded.outcome);
  wire.format = static_cast<uint8_t>(loaded.format);
  wire.has_alpha = loaded.has_alpha;
  wire.damaged = loaded.damaged;
  wire.stored_bits = loaded.stored_bits;
  wire.width_px = loaded.raster.width_px;
  wire.height_px = loaded.raster.height_px;
  wire.pixel_type = static_cast<uint32_t>(loaded.raster.type);
  wire.message_bytes = static_cast<uint32_t>(std::min(loaded.message.size(), kMaxMessageBytes));
  std::vector<std::byte> out(sizeof wire + wire.message_bytes);
  std::memcpy(out.data(), &wire, sizeof wire);
  std::memcpy(out.data() + sizeof wire, loaded.message.data(), wire.message_bytes);
  return out;
}

Result<Loaded> decode_loaded(std::span<const std::byte> bytes, const LoadSetup& setup) {
  LoadedWire wire;
  if (bytes.size() < sizeof wire) return bad("too short");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  if (wire.outcome >= kOutcomeCount || wire.format >= kImageFormatCount || wire.has_alpha > 1 || wire.damaged > 1 ||
      wire.stored_bits == 0 || wire.stored_bits > 64)
    return bad("impossible facts");
  if (wire.message_bytes > kMaxMessageBytes || wire.message_bytes != bytes.size() - sizeof wire)
    return bad("wrong length of the message");
  Loaded loaded;
  loaded.outcome = static_cast<Outcome>(wire.outcome);
  loaded.format = static_cast<ImageFormat>(wire.format);
  loaded.has_alpha = wire.has_alpha != 0;
  loaded.damaged = wire.damaged != 0;
  loaded.stored_bits = static_cast<uint8_t>(wire.stored_bits);
  loaded.message.assign(reinterpret_cast<const char*>(bytes.data()) + sizeof wire, wire.message_bytes);
  if (loaded.outcome != Outcome::kIndexed) {
    if (wire.width_px != 0 || wire.height_px != 0) return bad("pixels beside a failure");
    return loaded;
  }
  if (wire.pixel_type < 1 || wire.pixel_type > kPixelTypeCount) return bad("impossible pixels");
  const uint64_t pixels = uint64_t{wire.width_px} * wire.height_px;
  if (pixels == 0 || pixels > setup.max_pixels || std::max(wire.width_px, wire.height_px) > kMaxRasterSidePx)
    return bad(fmt::format("{}x{} pixels", wire.width_px, wire.height_px));
  loaded.raster = {wire.width_px, wire.height_px, static_cast<PixelType>(wire.pixel_type)};
  return loaded;
}

}  // namespace pairloom::jobs
