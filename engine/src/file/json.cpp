#include "file/json.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "common/error.h"
#include "common/numbers.h"
#include "file/unicode.h"

namespace xnorkit::file {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxInteger = 20;  // characters
constexpr size_t kMaxShown = 80;    // bytes

class Parser {
 public:
  Parser(std::string_view text, const char* what) : text_(text), what_(what) {}

  Json whole() {
    Json result = value();
    skip_space();
    if (place_ != text_.size()) broken("more text after the value");
    return result;
  }

 private:
  [[noreturn]] void broken(const char* reason) const {
    fail(what_, " is not JSON (", reason, " at byte ", place_, "), but it must be one JSON value.");
  }

  void skip_space() {
    while (place_ < text_.size() &&
           (text_[place_] == ' ' || text_[place_] == '\t' || text_[place_] == '\n' || text_[place_] == '\r')) {
      ++place_;
    }
  }

  char peek() const { return place_ < text_.size() ? text_[place_] : '\0'; }

  bool take(char c) {
    if (peek() != c || place_ == text_.size()) return false;
    ++place_;
    return true;
  }

  bool take(std::string_view word) {
    if (text_.substr(place_, word.size()) != word) return false;
    place_ += word.size();
    return true;
  }

  Json value() {
    skip_space();
    const char c = peek();
    if (c == '{') return {object()};
    if (c == '[') return {array()};
    if (c == '"') return {string()};
    if (take("true")) return {true};
    if (take("false")) return {false};
    if (take("null")) return {nullptr};
    for (const char* word : {"NaN", "Infinity", "-Infinity"}) {
      if (take(std::string_view(word))) fail(what_, " holds ", word, ", but numbers must be finite.");
    }
    if (c == '-' || (c >= '0' && c <= '9')) return number();
    broken("no value");
  }

  void open() {
    ++place_;
    if (++depth_ > kMaxDepth) {
      fail(what_, " nests deeper than ", kMaxDepth, " levels, but it must have at most ", kMaxDepth, ".");
    }
  }

  Json::Array array() {
    open();
    Json::Array items;
    skip_space();
    if (!take(']')) {
      do {
        items.push_back(value());
        skip_space();
      } while (take(','));
      if (!take(']')) broken("no comma or bracket");
    }
    --depth_;
    return items;
  }

  Json::Object object() {
    open();
    Json::Object members;
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        if (peek() != '"') broken("no key");
        std::string key = string();
        skip_space();
        if (!take(':')) broken("no colon");
        members.push_back({std::move(key), value()});
        skip_space();
      } while (take(','));
      if (!take('}')) broken("no comma or brace");
    }
    --depth_;
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
    const auto twice = std::adjacent_find(members.begin(), members.end(),
                                          [](const Member& a, const Member& b) { return a.key == b.key; });
    if (twice != members.end()) {
      fail(what_, " holds the key ", shown(twice->key), " twice, but keys must be unique.");
    }
    return members;
  }

  uint32_t four_digits() {
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++place_) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) broken("no hexadecimal digit");
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return code;
  }

  void escape(std::string& text) {
    const std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    const size_t simple = place_ < text_.size() ? from.find(text_[place_]) : std::string_view::npos;
    if (simple != std::string_view::npos) {
      text += to[simple];
      ++place_;
      return;
    }
    if (!take('u')) broken("an unknown escape");
    uint32_t code = four_digits();
    if (code >= 0xd800 && code < 0xdc00 && take("\\u")) {
      const uint32_t low = four_digits();
      if (low >= 0xdc00 && low < 0xe000) code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code < 0xe000) {
      fail(what_, " holds half a surrogate pair, but strings must be valid Unicode.");
    }
    append_utf8(text, code);
  }

  std::string string() {
    ++place_;
    std::string result;
    while (!take('"')) {
      if (place_ == text_.size()) broken("a string without an end");
      if (static_cast<unsigned char>(text_[place_]) < 0x20) broken("a control character in a string");
      if (take('\\')) {
        escape(result);
      } else {
        result += text_[place_++];
      }
    }
    return result;
  }

  bool take_digits() {
    const size_t first = place_;
    while (peek() >= '0' && peek() <= '9') ++place_;
    return place_ != first;
  }

  Json number() {
    const size_t first = place_;
    take('-');
    if (!take('0') && !take_digits()) broken("no digit");
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!take_digits()) broken("no digit after the point");
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) take('-');
      if (!take_digits()) broken("no digit in the exponent");
    }
    const std::string literal(text_.substr(first, place_ - first));
    if (whole && literal.size() > kMaxInteger) {
      fail(what_, " holds ", literal.substr(0, kMaxInteger), "..., an integer of ", literal.size(),
           " characters, but it must have at most ", kMaxInteger, ".");
    }
    if (whole && literal.size() < kMaxInteger - 1)
      return {static_cast<int64_t>(std::strtoll(literal.c_str(), nullptr, 10))};
    const double wide = nearest_double(literal);
    if (whole && std::abs(wide) < 9.2e18) return {static_cast<int64_t>(std::strtoll(literal.c_str(), nullptr, 10))};
    if (std::isinf(wide)) {
      fail(what_, " holds ", literal.substr(0, kMaxInteger), ", which is beyond float64, but numbers must be finite.");
    }
    return {wide};
  }

  std::string_view text_;
  const char* what_;
  size_t place_ = 0;
  int depth_ = 0;
};

void append_shown(std::string& out, const Json& json);

template <class List, class Each>
void append_list(std::string& out, char open, char close, const List& list, const Each& each) {
  out += open;
  bool first = true;
  for (const auto& item : list) {
    if (out.size() > kMaxShown) break;
    if (!first) out += ", ";
    first = false;
    each(item);
  }
  out += close;
}

void append_shown(std::string& out, const Json& json) {
  if (json.is_null()) {
    out += "null";
  } else if (const bool* flag = json.boolean()) {
    out += *flag ? "true" : "false";
  } else if (const int64_t* integer = json.integer()) {
    out += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&json.value)) {
    out += number_text(*number, 17);
  } else if (const std::string* string = json.string()) {
    out += shown(*string);
  } else if (const Json::Array* array = json.array()) {
    append_list(out, '[', ']', *array, [&](const Json& item) { append_shown(out, item); });
  } else {
    append_list(out, '{', '}', *json.object(), [&](const Member& member) {
      out += shown(member.key) + ": ";
      append_shown(out, member.value);
    });
  }
}

}  // namespace

const Json* Json::find(std::string_view key) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  const auto found = std::lower_bound(members->begin(), members->end(), key,
                                      [](const Member& member, std::string_view name) { return member.key < name; });
  return found != members->end() && found->key == key ? &found->value : nullptr;
}

Json parse_json(std::string_view text, const char* what) {
  if (!is_utf8(text)) fail(what, " is not UTF-8 text, but it must be.");
  return Parser(text, what).whole();
}

std::string shown(std::string_view text) {
  std::string out = "'";
  for (size_t place = 0; place < text.size();) {
    const size_t begin = place;
    const int32_t character = next_character(text, place);
    if (out.size() + (place - begin) > kMaxShown - 4) return out + "...";
    if (character < 0 || !is_printable(character)) {
      const char* const digits = "0123456789abcdef";
      for (size_t i = begin; i < place; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        out += {'\\', 'x', digits[byte / 16], digits[byte % 16]};
      }
    } else {
      out += text.substr(begin, place - begin);
    }
  }
  return out + "'";
}

std::string shown(const Json& value) {
  if (const std::string* string = value.string()) return shown(*string);
  std::string out;
  append_shown(out, value);
  if (out.size() <= kMaxShown) return out;
  size_t end = kMaxShown - 3;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return out.substr(0, end) + "...";
}

}  // namespace xnorkit::file
