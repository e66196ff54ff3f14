// Files that ship with the package, whole and altered: each is read and run, or refused by one message. Under the
// sanitizers this is the reader's fuzzer for machines without clang. The argument is the folder of the files.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "data.h"
#include "file/container.h"
#include "file/document.h"
#include "xnorkit/model.h"

namespace {

using Bytes = std::vector<uint8_t>;

constexpr int kAltered = 1000;
constexpr int64_t kHeader = 1 << 13;  // where most changes are made: weights are noticed by the checksum alone

Bytes content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Makes the checksum that of the content, where the container can still be read.
void mend(Bytes& bytes) {
  try {
    xnorkit::file::Container container = xnorkit::file::unpack(bytes.data(), bytes.size(), {});
    const auto found = container.tensors.find("crc32");
    if (found == container.tensors.end() || xnorkit::file::bytes_of(found->second) != 4) return;
    const size_t place = static_cast<size_t>(static_cast<const uint8_t*>(found->second.data) - bytes.data());
    container.tensors.erase(found);
    const xnorkit::file::Graph graph = xnorkit::file::decode(container.graph, container.tensors, {});
    const uint32_t sum = xnorkit::file::checksum(container.graph, graph.order);
    for (size_t i = 0; i < 4; ++i) bytes[place + i] = static_cast<uint8_t>(sum >> (8 * i));
  } catch (const std::invalid_argument&) {
    return;
  }
}

// One change of the kinds that a header survives now and then: a character of the text, a byte, a length, an end.
void alter(Bytes& bytes, data::Random& random) {
  if (bytes.empty()) return;
  const auto size = static_cast<int64_t>(bytes.size());
  const size_t place = static_cast<size_t>(random.below(random.below(8) == 0 ? size : std::min(size, kHeader)));
  const char text[] = "0123456789\"{}[],:-.eE\\ntfu x";
  switch (random.below(6)) {
    case 0: bytes[place] ^= static_cast<uint8_t>(1 << random.below(8)); break;
    case 1: bytes.resize(place); break;
    case 2: bytes[static_cast<size_t>(random.below(8)) % bytes.size()] = static_cast<uint8_t>(random.below(256)); break;
    default: bytes[place] = static_cast<uint8_t>(text[random.below(sizeof text - 1)]);
  }
}

// Reads the bytes and runs one image; whether they are a model.
bool runs(const Bytes& bytes) {
  try {
    xnorkit_options options{};
    options.isa = "portable";
    const xnorkit::Model model(bytes.data(), bytes.size(), options);
    const xnorkit_input_info in = model.input();
    const auto size = static_cast<size_t>(in.channels * in.height * in.width);
    if (in.takes_pixels) return !model.run(std::vector<uint8_t>(size, 100)).empty();
    return !model.run(std::vector<float>(size, 0.5f)).empty();
  } catch (const xnorkit::Error& error) {
    const std::string text = error.what();
    CHECK(text.find(", but ") != std::string::npos && text.back() == '.', text);
    CHECK(error.status() == XNORKIT_FILE_ERROR || error.status() == XNORKIT_ARGUMENT_ERROR, text);
    return false;
  }
}

void check_altered(const Bytes& whole) {
  data::Random random(7);
  int accepted = 0;
  for (int i = 0; i < kAltered; ++i) {
    Bytes bytes = whole;
    for (int64_t changes = 1 + random.below(2); changes > 0; --changes) alter(bytes, random);
    if (random.below(4) != 0) mend(bytes);
    accepted += runs(bytes);
  }
  CHECK(accepted > 0 && accepted < kAltered, std::to_string(accepted));
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2, "the folder of the files");
  Bytes smallest;
  for (const auto& entry : std::filesystem::directory_iterator(argc == 2 ? argv[1] : ".")) {
    if (entry.path().extension() != ".xnor") continue;
    const Bytes bytes = content_of(entry.path());
    CHECK(runs(bytes), entry.path().string());
    if (smallest.empty() || bytes.size() < smallest.size()) smallest = bytes;
  }
  CHECK(!smallest.empty(), "no file");
  check_altered(smallest);
  return check::finish();
}
