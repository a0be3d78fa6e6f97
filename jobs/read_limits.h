// What a file may ask of a worker that reads it; more is Outcome::kTooLarge. Checked on headers, before anything is
// allocated or decoded. Runs in: supervisor, worker.
#pragma once

#include <cstdint>

namespace pairloom::jobs {

struct ReadLimits {
  uint64_t max_file_bytes = 512ull << 20;
  uint64_t max_pixels = 400'000'000;
  uint64_t max_scans = 500;  // of a JPEG whose scans have to be decoded: each costs as much as a whole picture
  uint64_t max_parts = 64;   // of a TIFF that are looked at, pages and smaller pictures; what follows is not

  bool operator==(const ReadLimits&) const = default;
};

}  // namespace pairloom::jobs
