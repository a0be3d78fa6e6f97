// A file's bytes -> digest, image facts, codes. The heart of the indexing job. Runs in: worker only.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "jobs/index_job.h"
#include "jobs/turned_result.h"

namespace pairloom::workerproc {

// Digests, sniffs, decodes only as far as the asked-for algorithms and accuracy need, and computes the codes.
// Never throws; hostile bytes end in an Outcome and a message. `result.identity` is left to the caller.
// `stage_ns` (8 counters, index = shm::Stage) is added to: digest, decode, extract.
class Extractor {
 public:
  explicit Extractor(const jobs::IndexSetup& setup);
  ~Extractor();
  jobs::IndexResult extract(std::span<const std::byte> file_bytes, uint64_t (&stage_ns)[8]);
  // The codes of that file's picture mirrored and rotated, if the set-up asks for them (jobs::kTurnedCodes).
  std::vector<jobs::TurnedCode> take_turns();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::workerproc
