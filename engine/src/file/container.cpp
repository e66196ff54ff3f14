#include "file/container.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "common/error.h"
#include "file/rules.h"
#include "file/unicode.h"

namespace xnorkit::file {
namespace {

constexpr size_t kMaxAxes = 4;
const char* const kHeader = "the safetensors header";
const char* const kMetadata = "__metadata__";
const char* const kEntry = "xnorkit";

template <class... Parts>
[[noreturn]] void broken(const Parts&... parts) {
  fail("the content is not a complete safetensors file (", parts...,
       "), but it must be neither truncated nor altered. Copy or export it again.");
}

DType dtype_of(const std::string& where, const Json& value) {
  const std::pair<const char*, DType> types[] = {{"F32", DType::f32}, {"F16", DType::f16}, {"I32", DType::i32},
                                                 {"U32", DType::u32}, {"I8", DType::i8},   {"U8", DType::u8}};
  const std::string* name = value.string();
  for (const auto& [text, type] : types) {
    if (name != nullptr && *name == text) return type;
  }
  fail(where, " has dtype ", shown(value), ", but it must be one of F32, F16, I32, U32, I8, U8.");
}

// The bytes of a tensor; more than any file has where that does not fit.
uint64_t tensor_bytes(const std::vector<int64_t>& shape, DType type) {
  uint64_t bytes = dtype_bytes(type);
  for (const int64_t length : shape) {
    if (length == 0) return 0;
  }
  for (const int64_t length : shape) {
    if (bytes > std::numeric_limits<uint64_t>::max() / static_cast<uint64_t>(length)) {
      return std::numeric_limits<uint64_t>::max();
    }
    bytes *= static_cast<uint64_t>(length);
  }
  return bytes;
}

using Place = std::pair<int64_t, int64_t>;

Tensor tensor_of(const std::string& name, const Json& entry, const uint8_t* data, size_t size, Place& place) {
  const std::string where = "tensor " + shown(name);
  if (entry.object() == nullptr) {
    fail(where, " is ", shown(entry), ", but it must be an object of dtype, shape, data_offsets.");
  }
  check_keys(where, entry, {"dtype", "shape", "data_offsets"});
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  const DType type = dtype_of(where, *entry.find("dtype"));
  const Json& lengths = *entry.find("shape");
  const Json::Array* list = lengths.array();
  std::vector<int64_t> shape, offsets;
  if (list == nullptr || list->size() > kMaxAxes || !read_integers(lengths, list->size(), 0, most, shape)) {
    fail(where, " has shape ", shown(lengths), ", but it must be a list of at most ", kMaxAxes, " integers.");
  }
  const Json& ends = *entry.find("data_offsets");
  if (!read_integers(ends, 2, 0, most, offsets)) {
    fail(where, " has data_offsets ", shown(ends), ", but they must be two integers, begin and end.");
  }
  place = {offsets[0], offsets[1]};
  const uint64_t bytes = tensor_bytes(shape, type);
  const bool inside = place.first <= place.second && static_cast<uint64_t>(place.second) <= size;
  if (!inside || static_cast<uint64_t>(place.second - place.first) != bytes) {
    broken(where, " of ", bytes, " bytes lies at ", place.first, " to ", place.second, " of ", size);
  }
  return {type, std::move(shape), data + place.first};
}

// The tensors cover the data, each byte once.
void check_places(std::vector<Place> places, size_t size) {
  std::sort(places.begin(), places.end());
  int64_t end = 0;
  for (const Place& place : places) {
    if (place.first != end) {
      broken("its tensors leave out or share the bytes from ", std::min(place.first, end), " to ",
             std::max(place.first, end));
    }
    end = place.second;
  }
  if (static_cast<uint64_t>(end) != size) broken("its tensors cover ", end, " of ", size, " bytes");
}

// Its entry "xnorkit".
std::string graph_of(const Json* metadata) {
  const Json* graph = metadata == nullptr ? nullptr : metadata->find(kEntry);
  const Json::Object* entries = metadata == nullptr ? nullptr : metadata->object();
  const bool strings = entries != nullptr && std::all_of(entries->begin(), entries->end(), [](const Member& member) {
                         return member.value.string() != nullptr;
                       });
  if (metadata != nullptr && !strings) {
    fail(kHeader, ": '", kMetadata, "' is ", shown(*metadata), ", but it must be an object of strings.");
  }
  if (graph == nullptr) fail("the file has no metadata 'xnorkit', but it must be a file that xnorkit exported.");
  return *graph->string();
}

}  // namespace

Container unpack(const uint8_t* bytes, size_t size, const Limits& limits) {
  if (size < 8) broken(size, " bytes, fewer than the 8 of a header's length");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[i];
  if (length > size - 8) broken("its header of ", length, " bytes does not fit into ", size, " bytes");
  check_limit("header", limits.header, static_cast<double>(length), std::string(kHeader) + " has ", " bytes");
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 8, static_cast<size_t>(length));
  if (text.empty() || text[0] != '{')
    broken("its header begins with ", shown(text.substr(0, 8)), " and not with a brace");
  if (!is_utf8(text)) broken("its header is not UTF-8 text");
  const Json header = parse_json(text, kHeader);
  Container result;
  result.graph = graph_of(header.find(kMetadata));
  const uint8_t* data = bytes + 8 + length;
  const size_t data_size = size - 8 - static_cast<size_t>(length);
  std::vector<Place> places;
  for (const Member& member : *header.object()) {
    if (member.key == kMetadata) continue;
    Place place;
    result.tensors.emplace(member.key, tensor_of(member.key, member.value, data, data_size, place));
    places.push_back(place);
  }
  check_places(std::move(places), data_size);
  return result;
}

}  // namespace xnorkit::file
