// The sandbox's place in a worker that has none, to measure what the sandbox costs (containment_benchmark.py). A program
// of its own: pairloom-worker has no way to leave its sandbox out. Runs in: benchmarks only.
#include "workerproc/sandbox.h"

namespace pairloom::workerproc {

uint32_t enter_sandbox(const SandboxLimits&) {
  return 0;
}
uint32_t reachable_sandbox(const SandboxLimits&) {
  return 0;
}
std::vector<Misdeed> try_misdeeds(const SandboxLimits&) {
  return {};
}
void warm_up() {}

}  // namespace pairloom::workerproc
