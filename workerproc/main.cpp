// pairloom-worker: reads image bytes, for all jobs that need no OpenCV. Runs in: worker only.
#include "workerproc/worker_program.h"

int main(int argc, char** argv) {
  using namespace pairloom;
  using namespace pairloom::workerproc;
  static constexpr JobMaker kJobs[] = {{jobs::JobKind::kIndex, make_index_job},
                                       {jobs::JobKind::kPair, make_pair_job},
                                       {jobs::JobKind::kLoad, make_load_job},
                                       {jobs::JobKind::kTransform, make_transform_job},
                                       {jobs::JobKind::kLocate, make_locate_job}};
  static_assert(are_for(jobs::WorkerKind::kPlain, kJobs));
  return run_worker({jobs::WorkerKind::kPlain, kJobs}, argc, argv);
}
