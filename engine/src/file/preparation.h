// The input of a network, and how pictures become what it was trained on (docs/format.md, sections 4 and 6).
#pragma once

#include <cstdint>
#include <vector>

#include "file/json.h"
#include "xnorkit/types.h"

namespace xnorkit::file {

struct InputSpec {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  bool pixels = false;   // the value `input` is the pixels, for an 8-bit first layer
  bool dynamic = false;  // other heights and widths may be run
  bool normalized = false;
  std::vector<float> mean;  // per channel
  std::vector<float> std;
  bool reversed = false;    // the network's channels are blue, green, red
  bool transposed = false;  // height and width are swapped
  bool has_mean_image = false;
  std::vector<float> mean_image;  // (C, H, W), in the network's order
  bool prepared = false;          // trained on floats that pixels do not give

  bool takes_pixels() const { return (normalized || has_mean_image || pixels) && !prepared; }
  bool takes_floats() const { return !pixels || normalized; }

  // (C, 256): the normalized value of every pixel value.
  std::vector<float> table() const;
  // Pixels in the network's layout and order of channels: (N, C, H, W).
  std::vector<uint8_t> arranged(const uint8_t* images, size_t count, int64_t h, int64_t w) const;
  // The same minus the mean image.
  std::vector<float> centered(const std::vector<uint8_t>& images) const;
};

// `tensors` are those of the file. Throws std::invalid_argument.
InputSpec read_input(const Json& value, const Tensors& tensors);

}  // namespace xnorkit::file
