// Values to planes, 16 pixels of a plane at a time, so that a line of the result is filled at once.
#include "contract/kernels.h"

namespace xnorkit {

void to_planes_portable(const ToPlanes& job) {
  for (int64_t pixel = 0; pixel < job.pixels; pixel += 16) {
    const int64_t end = job.pixels - pixel < 16 ? job.pixels : pixel + 16;
    for (int64_t c = 0; c < job.channels; ++c) {
      for (int64_t i = pixel; i < end; ++i) job.result[c * job.plane_step + i] = job.source[i * job.source_step + c];
    }
  }
}

}  // namespace xnorkit
