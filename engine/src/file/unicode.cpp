#include "file/unicode.h"

#include <algorithm>

namespace xnorkit::file {
namespace {

struct Range {
  int32_t first;
  int32_t last;
};

// Unicode's categories Cc, Cf, Co, Cs, Zl, Zp, and Zs but for the space.
constexpr Range kUnprintable[] = {
    {0x0, 0x1f},         {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},      {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},     {0x1680, 0x1680},
    {0x180e, 0x180e},    {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x2064},   {0x2066, 0x206f},
    {0x3000, 0x3000},    {0xd800, 0xf8ff},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd},  {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001},
    {0xe0020, 0xe007f},  {0xf0000, 0x10ffff},
};

}  // namespace

int32_t next_character(std::string_view text, size_t& place) {
  const auto lead = static_cast<unsigned char>(text[place++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  int32_t character = lead & (0x3f >> more);
  for (int i = 0; i < more; ++i, ++place) {
    if (place == text.size() || (static_cast<unsigned char>(text[place]) & 0xc0) != 0x80) return -1;
    character = character << 6 | (static_cast<unsigned char>(text[place]) & 0x3f);
  }
  constexpr int32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return character < kLeast[more] || character > 0x10ffff || surrogate ? -1 : character;
}

void append_utf8(std::string& text, uint32_t c) {
  const auto add = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return add(c);
  if (c >= 0x10000) {
    add(0xf0 | c >> 18);
    add(0x80 | (c >> 12 & 0x3f));
  } else if (c >= 0x800) {
    add(0xe0 | c >> 12);
  }
  add(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
  add(0x80 | (c & 0x3f));
}

bool is_utf8(std::string_view text) {
  for (size_t place = 0; place < text.size();) {
    if (next_character(text, place) < 0) return false;
  }
  return true;
}

bool is_printable(int32_t character) {
  return std::none_of(std::begin(kUnprintable), std::end(kUnprintable),
                      [=](const Range& r) { return character >= r.first && character <= r.last; });
}

bool is_printable(std::string_view text) {
  for (size_t place = 0; place < text.size();) {
    if (!is_printable(next_character(text, place))) return false;
  }
  return !text.empty();
}

}  // namespace xnorkit::file
