// What a worker can be asked to do. Runs in: supervisor, worker.
#pragma once

#include <cstdint>

namespace pairloom::jobs {

enum class JobKind : uint32_t {
  kIndex = 1,  // a file -> digest, image facts, codes              (jobs/index_job.h)
  kPair = 2,   // a range of packed codes -> near-duplicate pairs   (jobs/pair_job.h)
  kLoad = 6,       // a file -> its pixels, for shared memory           (jobs/load_job.h)
  kTransform = 7,  // a band of rows -> that part of a picture file     (jobs/transform_job.h)
  kDescribe = 10,  // a file -> keypoints and descriptors               (jobs/match_job.h)
  kMatch = 11,     // a file -> matches with the reference's            (jobs/match_job.h)
  kLocate = 12,    // a frame -> the particles in it                    (jobs/locate_job.h)
};

}  // namespace pairloom::jobs
