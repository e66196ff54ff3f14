// A packed network (.xnor file) as a C++ class, C++17; header only, on the C interface of xnorkit/xnorkit.h.
//
//     const xnorkit::Model model("lenet5-mnist.xnor");
//     const std::vector<float> logits = model.run(pixels);  // std::vector<uint8_t> or std::vector<float>
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "xnorkit/xnorkit.h"

namespace xnorkit {

// What a function of the C interface refused.
class Error : public std::runtime_error {
 public:
  Error(xnorkit_status status, const std::string& text) : std::runtime_error(text), status_(status) {}

  xnorkit_status status() const { return status_; }

 private:
  xnorkit_status status_;
};

// May be moved, and run by several threads at the same time. Every method throws xnorkit::Error.
class Model {
 public:
  explicit Model(const std::string& path, const xnorkit_options& options = {}) {
    xnorkit_model* model = nullptr;
    check(xnorkit_load(path.c_str(), &options, &model));
    model_.reset(model);
  }

  // The bytes of a file, which are needed for this call only.
  Model(const void* bytes, size_t size, const xnorkit_options& options = {}) {
    xnorkit_model* model = nullptr;
    check(xnorkit_load_memory(bytes, size, &options, &model));
    model_.reset(model);
  }

  xnorkit_input_info input() const {
    xnorkit_input_info info;
    check(xnorkit_input(model_.get(), &info));
    return info;
  }

  xnorkit_output_info output() const {
    xnorkit_output_info info;
    check(xnorkit_output(model_.get(), &info));
    return info;
  }

  // Names of the output's channels; empty where the file has none.
  std::vector<std::string> classes() const {
    const xnorkit_output_info info = output();
    if (info.classes == nullptr) return {};
    return {info.classes, info.classes + info.channels};
  }

  // Whole images (N, C, H, W), as many as there are numbers for, to (N, C, H, W) floats.
  std::vector<float> run(const std::vector<uint8_t>& images) const { return run(XNORKIT_UINT8, images); }
  std::vector<float> run(const std::vector<float>& images) const { return run(XNORKIT_FLOAT32, images); }

 private:
  struct Free {
    void operator()(xnorkit_model* model) const { xnorkit_free(model); }
  };

  static void check(xnorkit_status status) {
    if (status != XNORKIT_OK) throw Error(status, xnorkit_error());
  }

  template <class T>
  std::vector<float> run(xnorkit_type type, const std::vector<T>& images) const {
    const xnorkit_input_info in = input();
    const xnorkit_output_info out = output();
    const auto size = static_cast<size_t>(in.channels * in.height * in.width);
    if (images.empty() || images.size() % size != 0) {
      throw Error(XNORKIT_ARGUMENT_ERROR, "images hold " + std::to_string(images.size()) +
                                              " numbers, but they must hold " + std::to_string(size) +
                                              " per image, and at least one image.");
    }
    const size_t count = images.size() / size;
    std::vector<float> outputs(count * static_cast<size_t>(out.channels * out.height * out.width));
    check(xnorkit_run(model_.get(), type, images.data(), count, outputs.data()));
    return outputs;
  }

  std::unique_ptr<xnorkit_model, Free> model_;
};

}  // namespace xnorkit
