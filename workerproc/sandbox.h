// The sandbox of a worker: what it gives up before it sees its first byte, so that a decoder that is taken over by the
// file it decodes achieves nothing. Works in steps that hold by themselves; a kernel that lacks one keeps the others
// (docs/design.md, section "Containment"). Runs in: worker only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/sandbox_level.h"

namespace pairloom::workerproc {

struct SandboxLimits {
  uint64_t memory_bytes = 0;  // of private memory (RLIMIT_DATA); shared mappings come on top; 0 = no limit
  bool opencv = false;        // with the system calls of OpenCV and of what it brings along
};

// Enters as much of the sandbox as the kernel has, tries what must fail now, and returns the steps in force. There is no
// way back. Everything that opens files or asks for the machine's properties on first use must have been used before
// (warm_up); standard error goes to /dev/null from here on.
uint32_t enter_sandbox(const SandboxLimits& limits);

// Lets the C and C++ libraries do what they do on first use while that is still allowed.
void warm_up();

// What becomes of misdeeds inside the sandbox, each tried in a child of its own: for `pairloom doctor`. Call from a
// process that is not in the sandbox itself, with the limits it would enter it with.
struct Misdeed {
  std::string_view what;  // "opens a file"
  bool prevented = false;
  std::string how;  // "killed", "refused: Permission denied", "allowed"
};
std::vector<Misdeed> try_misdeeds(const SandboxLimits& limits);
// The level a child reached by enter_sandbox().
uint32_t reachable_sandbox(const SandboxLimits& limits);

}  // namespace pairloom::workerproc
