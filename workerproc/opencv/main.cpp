// pairloom-worker-opencv: reads image bytes, for the jobs that need OpenCV or users' plugins. Runs in: worker only.
#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>

#include "workerproc/features/plugin.h"
#include "workerproc/worker_program.h"

namespace {

using namespace pairloom;
using namespace pairloom::workerproc;

constexpr JobMaker kJobs[] = {{jobs::JobKind::kDescribe, make_describe_job},
                              {jobs::JobKind::kMatch, make_match_job},
                              {jobs::JobKind::kDescribeFeatures, make_describe_features_job},
                              {jobs::JobKind::kExtract, make_extract_job}};
static_assert(are_for(jobs::WorkerKind::kOpenCv, kJobs));

void warm_up_opencv() {
  // One worker per physical core uses them all: no threads inside, and no OpenCL, which would be loaded on first use.
  cv::setNumThreads(1);
  cv::ocl::setUseOpenCL(false);
  cv::getNumberOfCPUs();  // reads /sys and cgroup files, once
  cv::useOptimized();
}

}  // namespace

int main(int argc, char** argv) {
  return run_worker({.kind = jobs::WorkerKind::kOpenCv,
                     .jobs = kJobs,
                     .warm_up = warm_up_opencv,
                     .load_plugin = [](const std::string& path) { loaded_plugins().load(path); }},
                    argc, argv);
}
