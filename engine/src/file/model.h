// A file, read, checked, planned, and run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "file/document.h"
#include "file/limits.h"
#include "xnorkit/program.h"

namespace xnorkit::file {

struct Options {
  std::string isa;      // "": the default
  int threads = 1;
  int64_t height = 0;   // 0: the file's
  int64_t width = 0;
  Limits limits;
};

class Model {
 public:
  // `bytes` are needed for this call only. `node` is where the operation that failed is named.
  Model(const uint8_t* bytes, size_t size, const Options& options, std::string& node);

  const InputSpec& input() const { return input_; }
  Shape image() const { return program_.info(0); }
  Shape output() const { return program_.info(program_.outputs()[0]); }
  const std::vector<std::string>& classes() const { return classes_; }

  // `count` images (count, C, H, W) to `outputs` (count, C, H, W); each throws std::invalid_argument for a bad image.
  void run(const float* images, size_t count, float* outputs) const;
  void run(const uint8_t* images, size_t count, float* outputs) const;

 private:
  Model(Graph graph, const Options& options, std::string& node);
  void run(Input::Type type, const void* images, size_t count, float* outputs) const;

  InputSpec input_;
  std::vector<std::string> classes_;
  int threads_;
  Program program_;
};

}  // namespace xnorkit::file
