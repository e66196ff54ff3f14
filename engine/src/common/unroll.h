// XNORKIT_UNROLL asks for full unrolling of the next loop, so that arrays of vectors stay in registers.
// XNORKIT_INDEPENDENT promises that the next loop's iterations do not depend on each other, so that it becomes vectors
// also where a pointer may equal another.
#pragma once

#if defined(__clang__)
#define XNORKIT_UNROLL _Pragma("unroll")
#define XNORKIT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define XNORKIT_UNROLL _Pragma("GCC unroll 16")
#define XNORKIT_INDEPENDENT _Pragma("GCC ivdep")
#else
#define XNORKIT_UNROLL
#define XNORKIT_INDEPENDENT
#endif
