// What a worker can be asked to do. Runs in: supervisor, worker.
#pragma once

#include <cstdint>

namespace pairloom::jobs {

enum class JobKind : uint32_t {
  kIndex = 1,  // a file -> digest, image facts, codes              (jobs/index_job.h)
  kPair = 2,   // a range of packed codes -> near-duplicate pairs   (jobs/pair_job.h)
  kDescribe = 10,  // a file -> keypoints and descriptors             (jobs/match_job.h)
  kMatch = 11,     // a file -> matches with the reference's          (jobs/match_job.h)
  kDescribeFeatures = 12,  // nothing -> what the features are            (jobs/extract_job.h)
  kExtract = 13,   // a file -> features                              (jobs/extract_job.h)
};

}  // namespace pairloom::jobs
