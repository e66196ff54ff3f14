// Bytes become calls of Program::add, then runs on a few small images. Each call may be refused by
// std::invalid_argument, in the same words on every instruction set; what is left must return the reference's bits,
// fused and not, on one thread and on two. Anything else ends the process, which is how the fuzzer learns of it.
#include <cmath>
#include <cstring>
#include <optional>

#include "builder.h"
#include "xnorkit/isa.h"

namespace {

using fuzz::Builder;
using fuzz::Bytes;
using fuzz::Owned;
using fuzz::Values;
using typed::Program;
using xnorkit::Input;
using xnorkit::Kind;
using xnorkit::Shape;

struct Made {
  std::optional<Program> program;
  std::string log;
};

// A program of the bytes from `bytes` on, which move on to what follows it.
Made make(const std::string& isa, bool fuse, Bytes& bytes) {
  Made made;
  const char* const kinds[] = {"f32", "image", "pixels", "bits"};
  const int64_t kind = bytes.below(4);
  const int64_t height = bytes.number(1, 12), width = bytes.number(1, 12), channels = bytes.number(1, 140);
  const double elements = static_cast<double>(height) * static_cast<double>(width) * static_cast<double>(channels);
  const bool large = std::max({height, width, channels}) > fuzz::kMaxSide || elements > (1 << 14);
  const bool refused = std::min({height, width, channels}) < 1 || std::max({height, width, channels}) > (1 << 24);
  if (large && !refused) return made;
  try {
    made.program.emplace(kinds[kind], height, width, channels, isa);
    const int64_t b = bytes.byte();
    if (b & 1) made.program->set_uint8_table(bytes.floats({channels, 256}));
    if (b & 2) {
      const Owned<float> mean = bytes.floats({channels});
      made.program->set_normalization(mean, bytes.floats({channels}));
    }
  } catch (const std::invalid_argument& error) {
    made.log = std::string(error.what()) + "\n";
    if (!made.program) return made;
  }
  Builder builder(*made.program, bytes);
  builder.build(fuse);
  made.log += builder.log;
  return made;
}

using Results = std::vector<std::vector<uint8_t>>;

// The bits of all outputs, of which every NaN is made the same one; or what was refused.
Results run(const Program& program, const Input& input, int64_t images, int threads) {
  Results results;
  std::vector<void*> places;
  for (const int id : program.outputs()) results.emplace_back(static_cast<size_t>(images * program.info(id).bytes()));
  for (auto& result : results) places.push_back(result.data());
  try {
    program.run(input, places.data(), threads);
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    return {{message.begin(), message.end()}};
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const Kind kind = program.info(program.outputs()[i]).kind;
    for (size_t at = 0; (kind == Kind::f32 || kind == Kind::planes) && at < results[i].size(); at += sizeof(float)) {
      float value;
      std::memcpy(&value, &results[i][at], sizeof value);
      if (std::isnan(value)) std::memset(&results[i][at], 0xff, sizeof value);
    }
  }
  return results;
}

// Images for value 0, of any of the three types, and sometimes of a wrong shape.
struct Images {
  Images(const Shape& shape, Bytes& bytes) : count(1 + bytes.below(5)) {
    const int64_t b = bytes.byte();
    const bool right = b < 232;
    input.type = shape.kind == Kind::bits                   ? Input::Type::bits
                 : (shape.kind == Kind::u8) != (b % 4 == 3) ? Input::Type::uint8
                                                            : Input::Type::float32;
    if (!right) input.type = static_cast<Input::Type>(b % 3);
    const bool planes = bytes.below(2) != 0;
    input.shape = {count, shape.height, shape.width, shape.pixel_elements()};
    if (planes) input.shape = {count, shape.channels, shape.height, shape.width};
    if (b >= 248) input.shape[static_cast<size_t>(b) % 4] -= 1;
    if (b == 247) input.shape.pop_back();
    if (b == 246) input.shape[0] = -1;
    count = std::max<int64_t>(input.shape[0], 0);
    Values values = bytes.values();
    words.resize(static_cast<size_t>(5 * shape.pixels() * shape.channels));
    const uint32_t mask = shape.channels % 32 != 0 && b != 245 ? (1u << shape.channels % 32) - 1 : ~0u;
    for (size_t i = 0; i < words.size(); ++i) {
      const float real = values.real();
      words[i] = static_cast<uint32_t>(values.next());
      if (input.type == Input::Type::float32) std::memcpy(&words[i], &real, sizeof real);
      const auto place = static_cast<int64_t>(i) + 1;
      if (input.type == Input::Type::bits && place % shape.words() == 0) words[i] &= mask;
    }
    input.data = words.data();
  }

  int64_t count;
  Input input;
  std::vector<uint32_t> words;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const Made reference = make("reference", true, bytes);
  const bool runs = reference.program && !reference.program->outputs().empty();
  std::optional<Images> images;
  Results expected;
  if (runs) {
    images.emplace(reference.program->info(0), bytes);
    expected = run(*reference.program, images->input, images->count, 1);
  }
  for (const std::string& isa : xnorkit::isas()) {
    for (const bool fuse : {true, false}) {
      if (isa == "reference" && fuse) continue;
      Bytes again(data, size);
      const Made made = make(isa, fuse, again);
      if (made.log != reference.log) fuzz::found(isa + " refuses\n" + made.log + "reference\n" + reference.log);
      if (!runs) continue;
      for (const int threads : {1, 2}) {
        if (run(*made.program, images->input, images->count, threads) != expected) {
          fuzz::found(isa + (fuse ? ", fused" : ", not fused") + ", " + std::to_string(threads) + " threads");
        }
      }
    }
  }
  const int64_t more = bytes.byte();
  if (!runs || more < 192) return 0;
  try {
    const int threads = static_cast<int>(bytes.number(1, 2));
    const auto times = reference.program->profile(images->input, static_cast<int>(more % 3), threads);
    if (times.size() != reference.program->steps().size()) fuzz::found("a profile of other steps");
  } catch (const std::invalid_argument&) {
    return 0;
  }
  return 0;
}
