// One picture transformed into another file, from start to finish: have it decoded into shared memory, compute the output
// in bands on all workers, put the bands together. Runs in: supervisor (the calling process; single-threaded).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/index_run.h"
#include "jobs/load_job.h"
#include "jobs/transform_job.h"

namespace pairloom::daemon {

// The output's size, if it is not to follow from the source and the map.
struct OutputSize {
  uint32_t width_px = 0, height_px = 0;  // 0: in the source's proportions to the other
  double percent = 0;                    // not 0: of the source's size, instead
};

struct TransformRequest {
  std::string input, output;
  bool overwrite = false;  // `output` may exist; never if it is the input
  jobs::MapKind map = jobs::MapKind::kRotate;
  std::optional<OutputSize> size;  // not with kRemap, whose grids have it; must be there with kResize
  std::optional<jobs::Projection> source_projection;  // default: Mercator, except to make a Mercator map
  double latitude_limit_deg = jobs::TransformSetup{}.latitude_limit_deg;
  double angle_deg = 0;
  bool expand = false;              // kRotate: as large as the turned picture
  std::string map_x, map_y;         // kRemap: .npy files
  jobs::Interpolation interpolation = jobs::Interpolation::kAuto;
  jobs::Precision precision = jobs::Precision::kFull;
  std::array<uint8_t, 4> fill = {0, 0, 0, 255};
  jobs::Container container = jobs::Container::kPng;
  uint32_t band_rows = 0;  // 0: chosen
  jobs::LoadSetup limits;
  PoolOptions pool;
};

struct TransformSummary {
  uint32_t source_width_px = 0, source_height_px = 0, width_px = 0, height_px = 0;
  uint64_t bytes = 0;  // of the output file
  uint64_t bands = 0;
  uint32_t band_rows = 0;
  int workers = 0;
  uint64_t worker_deaths = 0;
  double load_seconds = 0, seconds = 0;  // until the source was in shared memory; in all
  std::vector<std::string> warnings;     // of the input: damage, samples of more than 8 bits
};

// Errors: kCorrupt for an input that cannot be used, kRefused for an output that exists, kInvalidArgument for what cannot
// go together, kInterrupted. After any error there is no output, and nothing else has changed.
Result<TransformSummary> transform_file(const TransformRequest& request, const RunObserver& observer);

}  // namespace pairloom::daemon
