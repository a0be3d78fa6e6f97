// How contained a worker process is: the steps of its sandbox (workerproc/sandbox.h) that are in force. A worker says it
// in its hello, before it sees a byte of any file; the index stores it for every run. Runs in: any process.
#pragma once

#include <cstdint>
#include <string>

namespace pairloom {

// Stable bits: stored in the index, cross processes. A set of them is a level; 0 = none.
enum SandboxStep : uint32_t {
  kNoNewPrivileges = 1,  // no program it could start would get more rights
  kResourceLimits = 2,   // memory, open files, no file growth, no core, no child
  kLandlock = 4,         // no file can be opened, not even one that everybody may read
  kSystemCalls = 8,      // seccomp: a system call that decoding does not need ends the process
  kSandboxTested = 16,   // what must fail has been tried, and failed
};
constexpr uint32_t kSandboxSteps = 31;  // all of them: the sandbox is complete

// "complete", "none", or what is missing: "no landlock, not tested".
std::string describe_sandbox(uint32_t level);

}  // namespace pairloom
