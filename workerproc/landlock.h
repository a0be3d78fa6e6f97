// Landlock: this process can open no file any more. Runs in: worker only.
#pragma once

namespace pairloom::workerproc {

// A ruleset that handles every right this kernel's Landlock knows and allows none. False when the kernel has no
// Landlock, or it is switched off. Wants no_new_privs.
bool forbid_all_files();
// Version of the kernel's Landlock interface; 0 = none.
int landlock_abi();

}  // namespace pairloom::workerproc
