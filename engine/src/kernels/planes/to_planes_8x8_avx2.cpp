// Values to planes, 8 pixels x 8 channels in registers, AVX2; what is left at the edges one by one.
#include <immintrin.h>

#include "contract/kernels.h"

namespace xnorkit {
namespace {

void block(const float* source, int64_t source_step, float* result, int64_t plane_step) {
  __m256 x[8];
  __m256 pairs[8];
  for (int i = 0; i < 8; ++i) x[i] = _mm256_loadu_ps(source + i * source_step);
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
  }
  // Registers of quads: half k of quads[4 h + j] has channel 4 k + j of pixels 4 h to 4 h + 3.
  __m256 quads[8];
  for (int h = 0; h < 2; ++h)
    for (int i = 0; i < 2; ++i) {
      quads[4 * h + 2 * i] = _mm256_shuffle_ps(pairs[4 * h + i], pairs[4 * h + i + 2], 0x44);
      quads[4 * h + 2 * i + 1] = _mm256_shuffle_ps(pairs[4 * h + i], pairs[4 * h + i + 2], 0xee);
    }
  for (int j = 0; j < 4; ++j) {
    _mm256_storeu_ps(result + j * plane_step, _mm256_permute2f128_ps(quads[j], quads[j + 4], 0x20));
    _mm256_storeu_ps(result + (j + 4) * plane_step, _mm256_permute2f128_ps(quads[j], quads[j + 4], 0x31));
  }
}

}  // namespace

void to_planes_avx2(const ToPlanes& job) {
  const int64_t whole_pixels = job.pixels / 8 * 8;
  const int64_t whole_channels = job.channels / 8 * 8;
  for (int64_t pixel = 0; pixel < whole_pixels; pixel += 8)
    for (int64_t channel = 0; channel < whole_channels; channel += 8) {
      block(job.source + pixel * job.source_step + channel, job.source_step,
            job.result + channel * job.plane_step + pixel, job.plane_step);
    }
  ToPlanes channels = job;
  channels.source += whole_channels;
  channels.result += whole_channels * job.plane_step;
  channels.channels -= whole_channels;
  to_planes_portable(channels);
  ToPlanes pixels = job;
  pixels.source += whole_pixels * job.source_step;
  pixels.result += whole_pixels;
  pixels.pixels -= whole_pixels;
  pixels.channels = whole_channels;
  to_planes_portable(pixels);
}

}  // namespace xnorkit
