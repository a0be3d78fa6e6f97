// The system call filter of a worker (seccomp): an allow-list; anything else ends the process at once.
// Runs in: worker only.
#pragma once

namespace pairloom::workerproc {

// False when the kernel has no seccomp filters, or they may not be set here. Wants no_new_privs. `opencv`: with what OpenCV
// and the libraries it brings along need on top.
bool restrict_system_calls(bool opencv);
// True when the filter of this very program is in force: it answers one harmless call in a way no kernel does.
bool system_calls_are_restricted();

}  // namespace pairloom::workerproc
