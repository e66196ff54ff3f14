// UTF-8, and which characters a person can see.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xnorkit::file {

// The character that begins at `place`, which moves behind it; -1 where the bytes are not UTF-8.
int32_t next_character(std::string_view text, size_t& place);

void append_utf8(std::string& text, uint32_t character);

bool is_utf8(std::string_view text);

// Whether the character is no control, format, private or separator character other than the space.
bool is_printable(int32_t character);

// Whether the text is not empty, and printable.
bool is_printable(std::string_view text);

}  // namespace xnorkit::file
