// JSON without its loopholes, from untrusted text: no duplicate keys, NaN, infinities, halves of surrogate pairs or deep
// nesting; valid UTF-8 only. Memory is at most a few dozen bytes per character of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xnorkit::file {

struct Member;

struct Json {
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;  // sorted by key

  // An integer beyond 64 bits is a double.
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> value = nullptr;

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value); }
  const bool* boolean() const { return std::get_if<bool>(&value); }
  const int64_t* integer() const { return std::get_if<int64_t>(&value); }
  const std::string* string() const { return std::get_if<std::string>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  const Object* object() const { return std::get_if<Object>(&value); }

  // The value of a key of an object, or null.
  const Json* find(std::string_view key) const;
};

struct Member {
  std::string key;
  Json value;
};

// Throws std::invalid_argument, whose message begins with `what`, where `text` is not one JSON value.
Json parse_json(std::string_view text, const char* what);

// A value for a message, on one line, printable, and of bounded length.
std::string shown(const Json& value);
std::string shown(std::string_view text);

}  // namespace xnorkit::file
