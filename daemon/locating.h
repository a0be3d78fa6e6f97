// Locating particles: every frame goes to a worker, the particles in it come back, in the order of the frames. Runs in:
// supervisor.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/image.h"
#include "base/result.h"
#include "daemon/feature_extraction.h"
#include "daemon/file_job.h"
#include "jobs/locate_job.h"

namespace pairloom::daemon {

struct LocatedFrame {
  std::string path;  // as the user would write it
  // Frames are counted from 0 in the order of the files. One that could not be read has a number as well, so that those
  // behind it keep theirs; so has a file without an image in it whose name says that there should be one. Others, which
  // merely lie in the same directory, have none.
  std::optional<uint64_t> number;
  Outcome outcome = Outcome::kUnreadable;  // kIndexed: the result is there
  std::string message;                     // why not, or the decoder's warning
  jobs::LocateResult result;
};
using LocateSink = std::function<Result<>(const LocatedFrame& frame)>;

// `request` says which files; the rest of it is filled in here. The sink hears of every file, in order. A file that has
// a number, but no image in it, counts as failed.
Result<FileJobSummary> locate_particles(FileJobs& jobs, const jobs::LocateSetup& setup, FileJobRequest request,
                                        const LocateSink& sink, const RunObserver& observer);

// What the index keeps of a frame (daemon/feature_extraction.h, FeatureStore): a table of particles, columns named as
// trackpy's. All that decides which particles are found is in its parameters.
jobs::FeatureDescription describe_particles(const jobs::LocateSetup& setup);
FeatureAnswer as_features(const LocatedFrame& frame, const jobs::LocateSetup& setup);

// By the ending of its name: "frame7.tif" is meant to be an image, "README" is not.
bool is_named_as_image(std::string_view path);

}  // namespace pairloom::daemon
