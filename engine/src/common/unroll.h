// Asks for full unrolling of the next loop, so that arrays of vectors stay in registers.
#pragma once

#if defined(__clang__)
#define XNORKIT_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define XNORKIT_UNROLL _Pragma("GCC unroll 16")
#else
#define XNORKIT_UNROLL
#endif
