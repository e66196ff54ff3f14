// Values that live at the same time never overlap, and memory is reused.
#include "program/arena.h"

#include "data.h"

int main() {
  data::Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<xnorkit::Lifetime> values;
    for (int first = 0; first < 30; ++first) {
      values.push_back({static_cast<size_t>(random.below(1000)), first, first + static_cast<int>(random.below(6))});
    }
    const xnorkit::Layout layout = xnorkit::place(values);
    for (size_t a = 0; a < values.size(); ++a) {
      CHECK(layout.offset[a] % xnorkit::kAlignment == 0, "aligned");
      CHECK(layout.offset[a] + values[a].bytes <= layout.bytes, "inside");
      for (size_t b = 0; b < a; ++b) {
        const bool together = values[a].first <= values[b].last && values[b].first <= values[a].last;
        const bool apart = layout.offset[a] + values[a].bytes <= layout.offset[b] ||
                           layout.offset[b] + values[b].bytes <= layout.offset[a];
        CHECK(!together || apart || values[a].bytes == 0 || values[b].bytes == 0, "overlap");
      }
    }
  }
  CHECK(xnorkit::place({{64, 0, 1}, {64, 1, 2}, {64, 2, 3}}).bytes == 128, "the third takes the first one's place");
  CHECK(xnorkit::place({}).bytes == 0, "nothing");

  xnorkit::Arenas arenas(100);
  xnorkit::Buffer first = arenas.borrow();
  const xnorkit::Buffer second = arenas.borrow();
  std::byte* const memory = first.get();
  CHECK(memory != second.get(), "two borrowers");
  arenas.give_back(std::move(first));
  CHECK(arenas.borrow().get() == memory, "reused");
  return check::finish();
}
