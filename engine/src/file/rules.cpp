#include "file/rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/error.h"
#include "common/numbers.h"
#include "file/limits.h"
#include "file/unicode.h"

namespace xnorkit::file {
namespace {

template <class T>
const T& typed(const T* value, const Json& received, const std::string& where, const char* expected) {
  if (value == nullptr) fail(where, " is ", shown(received), ", but it must be ", expected, ".");
  return *value;
}

}  // namespace

void check_keys(const std::string& where, const Json& object, std::initializer_list<const char*> required,
                std::initializer_list<const char*> optional) {
  std::string all;
  for (const auto& keys : {required, optional}) {
    for (const char* key : keys) all += (all.empty() ? "" : ", ") + std::string(key);
  }
  for (const char* key : required) {
    if (object.find(key) == nullptr) fail(where, ": '", key, "' is missing, but the keys must be ", all, ".");
  }
  const auto among = [](std::initializer_list<const char*> names, const std::string& key) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return key == name; });
  };
  for (const Member& member : *object.object()) {
    if (!among(required, member.key) && !among(optional, member.key)) {
      fail(where, ": ", shown(member.key), " is unknown, but the keys must be ", all, ".");
    }
  }
}

bool read_integers(const Json& value, size_t count, int64_t low, int64_t high, std::vector<int64_t>& result) {
  const Json::Array* list = value.array();
  if (list == nullptr || list->size() != count) return false;
  result.clear();
  for (const Json& item : *list) {
    const int64_t* integer = item.integer();
    if (integer == nullptr || *integer < low || *integer > high) return false;
    result.push_back(*integer);
  }
  return true;
}

bool read_number(const Json& value, double& result) {
  if (const int64_t* integer = value.integer()) {
    result = static_cast<double>(*integer);
  } else if (const auto* number = std::get_if<double>(&value.value)) {
    result = *number;
  } else {
    return false;
  }
  return std::abs(result) <= static_cast<double>(std::numeric_limits<float>::max());
}

const Json::Object& as_object(const Json& value, const std::string& where) {
  return typed(value.object(), value, where, "an object");
}

const Json::Array& as_list(const Json& value, const std::string& where) {
  return typed(value.array(), value, where, "a list");
}

const std::string& as_string(const Json& value, const std::string& where) {
  return typed(value.string(), value, where, "a string");
}

const std::string& as_printable(const Json& value, const std::string& where) {
  const std::string& text = as_string(value, where);
  if (!is_printable(text)) fail(where, " is ", shown(text), ", but it must be a non-empty printable string.");
  return text;
}

bool as_boolean(const Json& value, const std::string& where) {
  return typed(value.boolean(), value, where, "true or false");
}

void check_value(int64_t height, int64_t width, int64_t channels) {
  const double numbers = static_cast<double>(height) * static_cast<double>(width) * static_cast<double>(channels);
  const bool long_axis = std::max({height, width, channels}) > kMaxSize;
  if (!long_axis && numbers <= static_cast<double>(kMaxNumbers)) return;
  fail("a value has height ", height, ", width ", width, " and ", channels, " channels, but ",
       long_axis ? "each must be at most " : "it must hold at most ", long_axis ? kMaxSize : kMaxNumbers,
       long_axis ? "." : " numbers.");
}

void check_limit(const char* name, int64_t limit, double received, const std::string& before, const char* after,
                 double scale) {
  const double allowed = std::floor(static_cast<double>(limit) * scale);
  if (limit == kNoLimit || received <= allowed) return;
  fail(before, number_text(received, 17), after, ", but the limit is ", number_text(allowed, 17),
       ". If you trust the file, raise the limit max_", name, ".");
}

}  // namespace xnorkit::file
