// Pixels of all images cut into strips that stay in the nearest cache while several loops run over them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "xnorkit/types.h"

namespace xnorkit {

constexpr int64_t kStripFloats = 1024;

// `pixels` consecutive pixels of one image, all their channels; or one pixel, and the channels from `channel` on.
struct Strip {
  int64_t image;
  int64_t position;
  int64_t pixels;
  int64_t channel;
  int64_t channels;

  int64_t floats() const { return pixels * channels; }
};

class Strips {
 public:
  explicit Strips(const Shape& shape)
      : pixels_(shape.pixels()),
        channels_(shape.channels),
        strip_pixels_(std::min(pixels_, std::max<int64_t>(1, kStripFloats / channels_))),
        parts_((channels_ + kStripFloats - 1) / kStripFloats),
        per_image_((pixels_ + strip_pixels_ - 1) / strip_pixels_ * parts_) {}

  // Most pixels of a strip.
  int64_t pixels() const { return strip_pixels_; }

  int64_t total(int64_t images) const { return images * per_image_; }

  Strip strip(int64_t index) const {
    const int64_t inside = index % per_image_;
    const int64_t position = inside / parts_ * strip_pixels_;
    const int64_t channel = inside % parts_ * kStripFloats;
    return {index / per_image_, position, std::min(strip_pixels_, pixels_ - position), channel,
            std::min(channels_ - channel, parts_ == 1 ? channels_ : kStripFloats)};
  }

 private:
  int64_t pixels_;
  int64_t channels_;
  int64_t strip_pixels_;
  int64_t parts_;
  int64_t per_image_;
};

}  // namespace xnorkit
