// Loops over rows of floats, for AVX2.
#include "common/unroll.h"
#include "contract/kernels.h"

#define XNORKIT_VECTOR_BYTES 32

namespace xnorkit {
namespace {
#include "kernels/rows/rows.inc"
}  // namespace

const RowKernels rows_avx2 = {add,           multiply, add_one,      multiply_one,  divide_one,
                              clip,          prelu,    reduce<true>, reduce<false>, finite,
                              absolute_sums, mask,     to_eighths,   norm_sums,     norm_gradient};

}  // namespace xnorkit
