#include "layout/regions.h"

#include <algorithm>
#include <map>
#include <utility>

namespace xnorkit {
namespace {

// Runs of a rectangle of taps. Neighbouring taps are merged where they follow each other in image and filter.
std::vector<Run> tap_runs(const Shape& input, const Geometry& g, TapRange rows, TapRange columns, int64_t length) {
  std::vector<Run> runs;
  for (int64_t ky = rows.begin; ky < rows.end; ++ky)
    for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
      const int64_t down = (ky - rows.begin) * g.dilation[0];
      const int64_t right = (kx - columns.begin) * g.dilation[1];
      const auto source = static_cast<int32_t>((down * input.width + right) * input.pixel_elements());
      const auto weight = static_cast<int32_t>((ky * g.kernel[1] + kx) * length);
      if (!runs.empty() && runs.back().source + runs.back().length == source &&
          runs.back().weight + runs.back().length == weight) {
        runs.back().length += static_cast<int32_t>(length);
      } else {
        runs.push_back({source, weight, static_cast<int32_t>(length)});
      }
    }
  return runs;
}

}  // namespace

TapRange valid_taps(const Geometry& g, int axis, int64_t index, int64_t size) {
  const int64_t first = index * g.stride[axis] - g.padding[axis];
  const int64_t dilation = g.dilation[axis];
  const int64_t begin = first >= 0 ? 0 : (-first + dilation - 1) / dilation;
  const int64_t end = first >= size ? 0 : std::min(g.kernel[axis], (size - 1 - first) / dilation + 1);
  return begin < end ? TapRange{begin, end} : TapRange{0, 0};
}

// Neighbouring lines often share a range, and later ones return to an earlier one only where the image is small: a map
// by the two ends.
Lines make_lines(const WindowSpec& spec, int axis, bool apart) {
  Lines lines;
  std::map<std::pair<int64_t, int64_t>, size_t> known;
  for (int64_t i = 0; i < (axis == 0 ? spec.output.height : spec.output.width); ++i) {
    const TapRange taps = valid_taps(spec.geometry, axis, i, axis == 0 ? spec.input.height : spec.input.width);
    const auto [entry, added] = known.emplace(std::make_pair(taps.begin, taps.end), lines.ranges.size());
    if (apart) entry->second = lines.ranges.size();
    if (added || apart) lines.ranges.push_back(taps);
    lines.range_of.push_back(entry->second);
  }
  return lines;
}

std::vector<Region> make_regions(const WindowSpec& spec, int64_t tap_elements) {
  const auto& [input, output, g] = spec;
  constexpr size_t kNone = static_cast<size_t>(-1);
  const Lines down = make_lines(spec, 0);
  const Lines right = make_lines(spec, 1);
  std::vector<Region> regions;
  std::vector<size_t> region_of(down.ranges.size() * right.ranges.size(), kNone);
  size_t without_taps = kNone;
  for (int64_t oy = 0; oy < output.height; ++oy) {
    const TapRange rows = down.ranges[down.range_of[oy]];
    for (int64_t ox = 0; ox < output.width; ++ox) {
      const TapRange columns = right.ranges[right.range_of[ox]];
      const int64_t taps = rows.count() * columns.count();
      size_t& index =
          taps == 0 ? without_taps : region_of[down.range_of[oy] * right.ranges.size() + right.range_of[ox]];
      if (index == kNone) {
        index = regions.size();
        regions.emplace_back();
        regions.back().taps = static_cast<int32_t>(taps);
        if (taps != 0) regions.back().runs = tap_runs(input, g, rows, columns, tap_elements);
      }
      const int64_t y = oy * g.stride[0] - g.padding[0] + rows.begin * g.dilation[0];
      const int64_t x = ox * g.stride[1] - g.padding[1] + columns.begin * g.dilation[1];
      Region& region = regions[index];
      region.source.push_back(taps == 0 ? 0 : static_cast<int32_t>((y * input.width + x) * input.pixel_elements()));
      region.result.push_back(static_cast<int32_t>(oy * output.width + ox));
    }
  }
  return regions;
}

}  // namespace xnorkit
