// The loading job on the wire: a task names a file; what comes back is what the file holds, decoded: a record that says
// what it is (Loaded), then its pixels, row by row from the top, cut into records anywhere. The supervisor puts them
// into shared memory for a job that many workers share. Runs in: supervisor, worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/image.h"
#include "base/result.h"
#include "jobs/raster.h"

namespace pairloom::jobs {

struct LoadSetup {
  uint64_t max_file_bytes = 4ull << 30;
  uint64_t max_pixels = 400'000'000;
};
std::vector<std::byte> encode(const LoadSetup& setup);
Result<LoadSetup> decode_load_setup(std::span<const std::byte> bytes);

struct LoadTask {
  enum class What : uint32_t {
    kPicture = 1,        // gray if the file is, else RGBA; upright
    kColourPicture = 2,  // always RGBA
    kGrid = 3,           // a NumPy .npy file: numbers, two dimensions
  } what = What::kPicture;
  std::string path;
};
std::vector<std::byte> encode(const LoadTask& task);
Result<LoadTask> decode_load_task(std::span<const std::byte> bytes);

// The first record of a result; without a raster (outcome other than kIndexed) the only one.
struct Loaded {
  Outcome outcome = Outcome::kUnreadable;
  std::string message;  // reason of a failure, or the decoder's first warning; at most 500 bytes
  RasterInfo raster;
  ImageFormat format = ImageFormat::kUnknown;  // kUnknown for a grid
  bool has_alpha = false, damaged = false;
  uint8_t stored_bits = 8;  // a sample; what is more than 8 was scaled down
};
std::vector<std::byte> encode(const Loaded& loaded);
// kProtocol: too short, impossible enums, sizes beyond the set-up's limit, a raster beside a failure.
Result<Loaded> decode_loaded(std::span<const std::byte> bytes, const LoadSetup& setup);
constexpr uint64_t kMaxLoadRecordBytes = 256 * 1024;  // of the records that follow

}  // namespace pairloom::jobs
