// Values that live at the same time never overlap, and memory is reused.
#include "plan/arena.h"

#include "data.h"
#include "threads/buffers.h"

int main() {
  data::Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<xnorkit::Lifetime> values;
    for (int first = 0; first < 30; ++first) {
      values.push_back({static_cast<size_t>(random.below(1000)), first, first + static_cast<int>(random.below(6))});
    }
    const xnorkit::Placement placement = xnorkit::place(values);
    for (size_t a = 0; a < values.size(); ++a) {
      CHECK(placement.offset[a] % xnorkit::kAlignment == 0, "aligned");
      CHECK(placement.offset[a] + values[a].bytes <= placement.bytes, "inside");
      for (size_t b = 0; b < a; ++b) {
        const bool together = values[a].first <= values[b].last && values[b].first <= values[a].last;
        const bool apart = placement.offset[a] + values[a].bytes <= placement.offset[b] ||
                           placement.offset[b] + values[b].bytes <= placement.offset[a];
        CHECK(!together || apart || values[a].bytes == 0 || values[b].bytes == 0, "overlap");
      }
    }
  }
  CHECK(xnorkit::place({{64, 0, 1}, {64, 1, 2}, {64, 2, 3}}).bytes == 128, "the third takes the first one's place");
  CHECK(xnorkit::place({}).bytes == 0, "nothing");

  xnorkit::Buffers buffers;
  xnorkit::Buffer first = buffers.borrow(100);
  const xnorkit::Buffer second = buffers.borrow(100);
  std::byte* const memory = first.memory.get();
  CHECK(memory != second.memory.get(), "two borrowers");
  buffers.give_back(std::move(first));
  CHECK(buffers.borrow(100).memory.get() == memory, "reused");
  return check::finish();
}
