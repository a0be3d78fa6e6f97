// PAIRLOOM_CLONES in front of a function: compiled for AVX2 as well and chosen at start-up. Not under sanitizers, whose
// runtime is not ready when the choice is made. Floating point stays the same on all machines: these files are compiled
// without FMA contraction (CMakeLists.txt). Runs in: worker only.
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PAIRLOOM_CLONES __attribute__((target_clones("avx2", "default")))
// Also for AVX-512: for loops that have nothing but arithmetic to do.
#define PAIRLOOM_WIDE_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define PAIRLOOM_CLONES
#define PAIRLOOM_WIDE_CLONES
#endif
