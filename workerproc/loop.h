// The worker's life: say hello, take records, do tasks, until the supervisor is gone. Runs in: worker only.
#pragma once

#include <span>

#include "base/result.h"
#include "shm/channel.h"
#include "shm/file_passing.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {

// Does the jobs of `makers`. `sandbox_level` is said in the hello (base/sandbox_level.h). Returns when the supervisor closed
// its end (ok), or with the reason the worker cannot go on; kInterrupted: the opener is gone; kUnsupported: the job is none
// of them.
Result<> serve(shm::WorkerChannel& channel, shm::FileReceiver& files, std::span<const JobMaker> makers,
               uint32_t sandbox_level);

}  // namespace pairloom::workerproc
