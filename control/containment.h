// What pairloom-control may not do, said to the kernel before it hears its first client. Runs in: pairloom-control.
#pragma once

namespace pairloom::control {

// No new privileges, no core files, few open files; and a seccomp filter with an allow-list: threads, memory, the
// sockets it has and those it accepts, bodies in anonymous memory. Opening a file is answered with an error (the C
// library asks for some and goes on without), any other call ends the process. False where the kernel has no seccomp.
// Builds with sanitizers have no filter: their run-time libraries make calls of their own.
bool contain();

}  // namespace pairloom::control
