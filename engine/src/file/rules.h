// Rules for JSON values that several parts of a file share.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "file/json.h"

namespace xnorkit::file {

constexpr int64_t kMaxSize = int64_t{1} << 24;     // of an axis of a value
constexpr int64_t kMaxNumbers = int64_t{1} << 26;  // of a value of one image

// An object's keys: all of `required`, any of `optional`, and no other.
void check_keys(const std::string& where, const Json& object, std::initializer_list<const char*> required,
                std::initializer_list<const char*> optional = {});

// Whether the value is a list of `count` integers from `low` to `high`, which are then in `result`.
bool read_integers(const Json& value, size_t count, int64_t low, int64_t high, std::vector<int64_t>& result);

// Refuses sizes, not negative, of a value of one image.
void check_value(int64_t height, int64_t width, int64_t channels);

// Whether the value is a number within float32's range, which is then in `result`.
bool read_number(const Json& value, double& result);

// Values of one JSON type; each throws, naming `where`.
const Json::Object& as_object(const Json& value, const std::string& where);
const Json::Array& as_list(const Json& value, const std::string& where);
const std::string& as_string(const Json& value, const std::string& where);
const std::string& as_printable(const Json& value, const std::string& where);
bool as_boolean(const Json& value, const std::string& where);

}  // namespace xnorkit::file
