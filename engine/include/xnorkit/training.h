// The three products of a convolution of signs that training needs, each with one operand of bits.
//
//     y[n, o]      = scale[o] * sum over taps and channels of s * b            (xor and popcount)
//     dC/ds        = sum over taps and filters of (scale[o] * dC/dy) * b       (signed sums)
//     dC/d(scale b) = sum over images and positions of dC/dy * s               (signed sums)
//
// s are the signs of the activations, b those of the weights. The gradients' float operand is rounded to integers of 10
// bits, -511 to 511, times one step per image (dC/ds) or per filter (dC/db): the largest magnitude over 511. Sums are
// exact in int32, so a result does not depend on threads or the instruction set, and is at most half a step times the
// number of summed values away from the exact one. A gradient that is NaN or infinite makes the results it enters NaN.
//
// Layouts as in program.h: floats (N, H, W, C), bits (N, H, W, ceil(C / 32)) words, weights (O, KH, KW, I / groups) and
// their bits (O, KH, KW, ceil(I / groups / 32)) words. Functions throw std::invalid_argument.
#pragma once

#include <cstdint>
#include <string>

#include "xnorkit/types.h"

namespace xnorkit {

// Values of a sum at most: integers up to 511 whose sum, doubled, fits int32.
constexpr int64_t kMaxSumTerms = 2101256;

struct SignConv {
  int64_t images;
  int64_t height;
  int64_t width;
  int64_t in_channels;
  int64_t out_channels;
  Geometry geometry;

  int64_t out_height() const;
  int64_t out_width() const;
};

// Throws unless the functions below can do `conv`: the padded image holds the kernel, the channels of each of several
// groups are a multiple of 16, and the sums fit int32.
void check_sign_conv(const SignConv& conv);

// signs: bit = x < 0. inside: bit = |x| < clip; null where it is not needed. x is (pixels, channels).
void pack_signs(const float* x, int64_t pixels, int64_t channels, float clip, uint32_t* signs, uint32_t* inside,
                int threads, const std::string& isa);

// y = float(dot) * scale[o] + bias[o], two roundings.
void sign_conv(const SignConv& conv, const uint32_t* signs, const uint32_t* weight, const float* scale,
               const float* bias, float* y, int threads, const std::string& isa);

// dC/ds, 0 where `inside` (null: everywhere inside) is 0.
void sign_conv_input_gradient(const SignConv& conv, const float* gradient, const uint32_t* weight, const float* scale,
                              const uint32_t* inside, float* result, int threads, const std::string& isa);

// dC/d(scale b): what the weights would get if scale were 1.
void sign_conv_weight_gradient(const SignConv& conv, const float* gradient, const uint32_t* signs, float* result,
                               int threads, const std::string& isa);

// What batch normalization y = weight * z + bias, z = (x - mean) / std, keeps for its backward pass: z in steps of 1/8,
// within +-127 / 8, a byte a value.
void norm_keep(const float* x, int64_t pixels, int64_t channels, const float* mean, const float* inverse_std,
               int8_t* kept, int threads, const std::string& isa);

// dC/dweight = sum of g z, dC/dbias = sum of g, and dC/dx = weight / std * (g - mean(g) - z mean(g z)), each sum and mean
// over the pixels of a channel; z is off by at most 1/16 (where |z| < 16), so that dC/dx is off by at most
// weight / std * (|z| mean|g| + |mean(g z)| + mean|g| / 16) / 16. The same for any number of threads.
void norm_gradient(const float* gradient, const int8_t* kept, int64_t pixels, int64_t channels, const float* weight,
                   const float* inverse_std, float* to_x, float* to_weight, float* to_bias, int threads,
                   const std::string& isa);

// A ReLU: x where it is above 0, or NaN, else 0, and bits (ceil(n / 32) words) of where that is: there its gradient
// passes. `result` may be x.
void relu_keep(const float* x, int64_t n, uint32_t* kept, float* result, int threads, const std::string& isa);

// dC/dx: the gradient where the bit is 1, else 0.
void relu_gradient(const float* gradient, const uint32_t* kept, int64_t n, float* result, int threads,
                   const std::string& isa);

}  // namespace xnorkit
