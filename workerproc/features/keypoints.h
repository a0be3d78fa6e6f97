// Keypoints and their descriptors as a feature. Runs in: worker only.
#pragma once

#include <memory>

#include "jobs/match_job.h"
#include "workerproc/features/feature.h"
#include "workerproc/features/parameters.h"

namespace pairloom::workerproc {

// A row of f32 for each keypoint, in OpenCV's order: x, y (pixels of the picture as shown), size, angle (degrees),
// response, octave (OpenCV's packed number), then the descriptor's bytes as numbers (all exact in f32). Parameter n:
// the number of keypoints kept, default 5000 (sift) and 500 (orb), as the tutorials have it.
Result<std::unique_ptr<FeatureExtractor>> make_keypoints(jobs::DescriptorMethod method, Parameters& parameters);

}  // namespace pairloom::workerproc
