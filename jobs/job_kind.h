// What a worker can be asked to do. Runs in: supervisor, worker.
#pragma once

#include <cstdint>
#include <string_view>

namespace pairloom::jobs {

enum class JobKind : uint32_t {
  kIndex = 1,  // a file -> digest, image facts, codes              (jobs/index_job.h)
  kPair = 2,   // a range of packed codes -> near-duplicate pairs   (jobs/pair_job.h)
  kLoad = 6,       // a file -> its pixels, for shared memory           (jobs/load_job.h)
  kTransform = 7,  // a band of rows -> that part of a picture file     (jobs/transform_job.h)
  kDescribe = 10,  // a file -> keypoints and descriptors               (jobs/match_job.h)
  kMatch = 11,     // a file -> matches with the reference's            (jobs/match_job.h)
  kLocate = 12,    // a frame -> the particles in it                    (jobs/locate_job.h)
  kExtract = 13,   // a file -> features                                (jobs/extract_job.h)
  kDescribeFeatures = 14,  // nothing -> what the features are          (jobs/extract_job.h)
};

// There are two worker programs. What finds keypoints and computes features has OpenCV, and takes plugins; all else does
// without: it starts in a third of the time, and the bytes of strangers are decoded in a process with eighteen libraries less.
enum class WorkerKind { kPlain, kOpenCv };
constexpr WorkerKind kWorkerKinds[] = {WorkerKind::kPlain, WorkerKind::kOpenCv};

constexpr WorkerKind worker_for(JobKind job) {
  switch (job) {
    case JobKind::kDescribe:
    case JobKind::kMatch:
    case JobKind::kExtract:
    case JobKind::kDescribeFeatures:
      return WorkerKind::kOpenCv;
    case JobKind::kIndex:
    case JobKind::kPair:
    case JobKind::kLoad:
    case JobKind::kTransform:
    case JobKind::kLocate:
      break;
  }
  return WorkerKind::kPlain;
}

// Of the program.
constexpr std::string_view name_of(WorkerKind worker) {
  return worker == WorkerKind::kOpenCv ? "pairloom-worker-opencv" : "pairloom-worker";
}

}  // namespace pairloom::jobs
