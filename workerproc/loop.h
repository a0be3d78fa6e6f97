// The worker's life: say hello, take records, do tasks, until the supervisor is gone. Runs in: worker only.
#pragma once

#include "base/result.h"
#include "shm/channel.h"

namespace pairloom::workerproc {

// Returns when the supervisor closed its end (ok), or with the reason the worker cannot go on.
Result<> serve(shm::WorkerChannel& channel);

}  // namespace pairloom::workerproc
