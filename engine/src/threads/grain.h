// What one thread should get of a parallel loop at least: some microseconds of work, counted in the unit that the loop
// states its cost in. One table, so that a measurement of one kind of work mends every loop of that kind.
#pragma once

namespace xnorkit::grain {

// Multiply-adds.
constexpr double kBinaryMacs = 4e6;   // of bits with bits
constexpr double kInt8Macs = 1e6;     // of bytes
constexpr double kFloatMacs = 2e5;    // of floats with floats, or with signs
constexpr double kPooledFloat = 2.0;  // one float that a pool reads, in multiply-adds of floats

// Counted taps of one filter per channel: vectors of words times taps.
constexpr double kCountedVectors = 3e3;
constexpr double kCountedResult = 0.1;  // one float or integer made of the counts, in vectors

// Values that a loop reads or moves.
constexpr double kFloats = 1e5;           // floats packed, pooled, added; elements copied; images read
constexpr double kMeanFloats = 5e4;       // floats of the K map: absolute values, summed in order
constexpr double kQuantizedFloats = 2e4;  // floats to 8 bits, a division each
constexpr double kFunctionFloats = 1e3;   // floats of exp, tanh, erf
constexpr double kPooledWords = 2e4;      // words of bits that a max-pool reads
constexpr double kMovedWords = 1e4;       // words of bits whose channels move
constexpr double kGatheredPieces = 5e3;   // pieces of windows of bits, 57 bits or fewer

// Staged images.
constexpr double kStagedWords = 5e4;  // of bits
constexpr double kStagedBytes = 2e5;  // of 8-bit values

}  // namespace xnorkit::grain
