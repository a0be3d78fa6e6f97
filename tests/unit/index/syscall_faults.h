// Makes the N-th system call that changes a file fail, or end the process: the test program's own pwrite(),
// fdatasync(), ftruncate(), rename() and unlink() take the place of libc's, also for SQLite. Nothing is really synced:
// tests kill processes, not machines.
#pragma once

#include <cstdint>

namespace pairloom::index::faults {

enum class Effect { kNone, kExit, kFail };

// From now on the `nth` call (1 = the next one) has `effect`; with kFail, so have all after it (a full disk stays
// full).
void arm(Effect effect, uint64_t nth, int errnum = 0);
// Back to normal. True if the N-th call was reached.
bool disarm();

constexpr int kExitStatus = 77;  // of a process ended by kExit

}  // namespace pairloom::index::faults
