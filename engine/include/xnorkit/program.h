// A network planned once and run by one call.
//
// Layouts: float values are (N, H, W, C) float32, bits are (N, H, W, ceil(C / 32)) uint32 words with bit c of a pixel
// in bit c % 32 of word c / 32, bit 1 meaning -1, padding bits 0. Values are named by the integers that `add` returns;
// the input is value 0. Every method throws std::invalid_argument that says what was received and what it must
// be. A finished program may be run by several threads at once; building it is for one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "xnorkit/types.h"

namespace xnorkit {

// What `run` is fed with: images (N, C, H, W) in float32 or uint8, bits (N, H, W, words), or floats (N, H, W, C).
struct Input {
  enum class Type { float32, uint8, bits };
  Type type;
  const void* data;
  std::vector<int64_t> shape;
};

// One step of a finished program, as profiles name it.
struct StepInfo {
  std::vector<std::string> operations;  // that it joins, in order; "input": reads the images
  std::vector<int> values;              // the values that these made
  std::string kernel;                   // "" where there is no choice
  Shape shape;                          // of the last float or only value of one image
  double macs;                          // multiply-adds of one image, taps outside the image not counted
};

struct ProgramState;

class Program {
 public:
  // kind is "image" (to f32), "pixels" (images to u8), "bits" or "f32" (the value itself); an empty isa is
  // default_isa().
  Program(const std::string& kind, int64_t height, int64_t width, int64_t channels, const std::string& isa = "");
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

  // Allows uint8 images for kind "image": table (C, 256) maps a pixel of channel c to its float.
  void set_uint8_table(const Array<float>& table);

  // Allows float32 images for kind "pixels": u = clamp(rint((x * std[c] + mean[c]) / (1 / 255)), 0, 255).
  void set_normalization(const Array<float>& mean, const Array<float>& std);

  // Adds an operation of docs/format.md, section 5: its name, the values that it reads, its attributes and its tensors.
  // Returns the value that it makes. Tensors are copied, float16 widened to float32. Beyond that page, the epilogue
  // "integers" of binary and 8-bit layers makes their sums themselves (i32, no further tensors), and the operation
  // "planes" makes (C, H, W) of a value of floats, to be an output.
  int add(const std::string& op, const std::vector<int>& inputs, const Attributes& attributes = {},
          const Tensors& tensors = {});

  // Plans and freezes. `fuse` joins operations into steps; the results are the same without, bit for bit.
  void finish(const std::vector<int>& outputs, bool fuse = true);

  Shape info(int value) const;
  const std::string& isa() const;
  const std::vector<int>& outputs() const;
  size_t arena_bytes() const;
  size_t weight_bytes() const;

  // Checks an input against the declared one and returns its number of images.
  int64_t check_input(const Input& input) const;

  std::vector<StepInfo> steps() const;

  // Median microseconds of each of the steps() over `repeats` runs on `input`, whose results are dropped.
  std::vector<double> profile(const Input& input, int repeats, int threads) const;

  // results[i] has room for the i-th output of all images.
  void run(const Input& input, void* const* results, int threads) const;

 private:
  std::unique_ptr<ProgramState> state_;
};

}  // namespace xnorkit
