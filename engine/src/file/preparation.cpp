#include "file/preparation.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/error.h"
#include "file/rules.h"

namespace xnorkit::file {
namespace {

constexpr int64_t kPixelValues = 256;

void read_shape(const Json& value, InputSpec& spec) {
  std::vector<int64_t> shape;
  if (!read_integers(value, 3, 1, kMaxSize, shape)) {
    fail("input 'shape' is ", shown(value), ", but it must be (C, H, W), a list of 3 integers from 1 to ", kMaxSize,
         ".");
  }
  spec.channels = shape[0];
  spec.height = shape[1];
  spec.width = shape[2];
}

std::vector<float> per_channel(const Json& value, const std::string& where, int64_t channels) {
  const Json::Array& list = as_list(value, where);
  std::vector<float> numbers;
  double number = 0;
  for (const Json& item : list) {
    if (!read_number(item, number)) break;
    numbers.push_back(static_cast<float>(number));
  }
  if (numbers.size() != list.size() || static_cast<int64_t>(numbers.size()) != channels) {
    fail(where, " is ", shown(value), ", but it must hold one float32 number per channel, ", channels, " in all.");
  }
  return numbers;
}

void read_normalization(const Json& value, InputSpec& spec) {
  if (value.is_null()) return;
  const std::string where = "input 'normalization'";
  as_object(value, where);
  check_keys(where, value, {"mean", "std"});
  spec.normalized = true;
  const Json &means = *value.find("mean"), &deviations = *value.find("std");
  spec.mean = per_channel(means, "input normalization 'mean'", spec.channels);
  spec.std = per_channel(deviations, "input normalization 'std'", spec.channels);
  const bool positive = std::all_of(spec.std.begin(), spec.std.end(), [](float v) { return v > 0; });
  // The results of all pixel values lie between those of the extreme ones.
  const std::vector<float> table = spec.table();
  if (!positive || !std::all_of(table.begin(), table.end(), [](float v) { return std::isfinite(v); })) {
    fail("input normalization has mean ", shown(means), " and std ", shown(deviations),
         ", but std must be above 0, and every pixel value must give a finite float32 result.");
  }
}

void read_mean_image(const Tensors& tensors, InputSpec& spec) {
  const auto found = tensors.find("input.mean_image");
  if (found == tensors.end()) {
    fail("input preparation: tensor 'input.mean_image' is not in the file, but it must hold the mean image.");
  }
  const Tensor& tensor = found->second;
  const std::vector<int64_t> shape{spec.channels, spec.height, spec.width};
  if (tensor.type != DType::f32 || tensor.shape != shape || spec.dynamic) {
    fail("input preparation: the mean image is ", dtype_name(tensor.type), " ", shape_text(tensor.shape),
         " for images ", shape_text(shape), spec.dynamic ? ", dynamic" : "",
         ", but it must be float32 of the input's shape, which must be fixed.");
  }
  spec.has_mean_image = true;
  spec.mean_image.resize(static_cast<size_t>(spec.channels * spec.height * spec.width));
  std::memcpy(spec.mean_image.data(), tensor.data, spec.mean_image.size() * sizeof(float));
  if (!std::all_of(spec.mean_image.begin(), spec.mean_image.end(), [](float v) { return std::isfinite(v); })) {
    fail("input preparation: the mean image holds NaN or infinity, but its numbers must be finite.");
  }
}

void read_preparation(const Json& value, const Tensors& tensors, InputSpec& spec) {
  const std::string where = "input preparation";
  as_object(value, "input 'preparation'");
  check_keys("input 'preparation'", value, {"order", "transposed", "mean_image", "prepared"});
  const std::string& order = as_string(*value.find("order"), where + " 'order'");
  if (order != "rgb" && order != "bgr") {
    fail(where, " 'order' is ", shown(order), ", but it must be \"rgb\" or \"bgr\".");
  }
  spec.reversed = order == "bgr";
  if (spec.reversed && spec.channels != 3) {
    fail(where, ": the order is 'bgr' for ", spec.channels, " channels, but the channels must be 3.");
  }
  spec.transposed = as_boolean(*value.find("transposed"), where + " 'transposed'");
  if (spec.transposed && (spec.height != spec.width || spec.dynamic)) {
    fail(where, ": the transposed images are ", spec.height, " x ", spec.width, spec.dynamic ? ", dynamic" : "",
         ", but their height and width must be equal and fixed.");
  }
  if (as_boolean(*value.find("mean_image"), where + " 'mean_image'")) read_mean_image(tensors, spec);
  const Json& prepared = *value.find("prepared");
  if (!prepared.is_null()) {
    as_printable(prepared, where + " 'prepared'");
    spec.prepared = true;
    if (spec.reversed || spec.transposed || spec.has_mean_image) {
      fail(where,
           ": prepared floats have an order, a transposition or a mean image of pixels, but these must be \"rgb\", "
           "false and false.");
    }
  }
  if ((spec.has_mean_image || spec.prepared) && spec.normalized != spec.pixels) {
    fail(where, ": kind '", spec.pixels ? "u8" : "f32", "' with ",
         spec.has_mean_image ? "a mean image" : "prepared floats", spec.normalized ? " has a" : " has no",
         " normalization, but it must have ", spec.normalized ? "none." : "one.");
  }
}

}  // namespace

std::vector<float> InputSpec::table() const {
  std::vector<float> result;
  for (size_t c = 0; c < mean.size(); ++c) {
    for (int64_t p = 0; p < kPixelValues; ++p) {
      const float scaled = static_cast<float>(p) / 255.0f;
      const float shifted = scaled - mean[c];
      result.push_back(shifted / std[c]);
    }
  }
  return result;
}

std::vector<uint8_t> InputSpec::arranged(const uint8_t* images, size_t count, int64_t h, int64_t w) const {
  std::vector<uint8_t> result;
  result.reserve(count * static_cast<size_t>(channels * h * w));
  for (size_t n = 0; n < count; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t from = reversed ? channels - 1 - c : c;
      const uint8_t* plane = images + (static_cast<int64_t>(n) * channels + from) * h * w;
      for (int64_t i = 0; i < h; ++i) {
        for (int64_t j = 0; j < w; ++j) result.push_back(transposed ? plane[j * h + i] : plane[i * w + j]);
      }
    }
  }
  return result;
}

std::vector<float> InputSpec::centered(const std::vector<uint8_t>& images) const {
  std::vector<float> result(images.size());
  for (size_t i = 0; i < images.size(); ++i)
    result[i] = static_cast<float>(images[i]) - mean_image[i % mean_image.size()];
  return result;
}

InputSpec read_input(const Json& value, const Tensors& tensors) {
  as_object(value, "'input'");
  check_keys("'input'", value, {"shape", "kind", "dynamic", "normalization"}, {"preparation"});
  InputSpec spec;
  read_shape(*value.find("shape"), spec);
  const std::string& kind = as_string(*value.find("kind"), "input 'kind'");
  if (kind != "f32" && kind != "u8") {
    fail("input 'kind' is ", shown(kind), ", but it must be \"f32\" or \"u8\".");
  }
  spec.pixels = kind == "u8";
  spec.dynamic = as_boolean(*value.find("dynamic"), "input 'dynamic'");
  // Before the mean image and tables, which have as many numbers.
  check_value(spec.height, spec.width, spec.channels);
  read_normalization(*value.find("normalization"), spec);
  if (const Json* preparation = value.find("preparation")) read_preparation(*preparation, tensors, spec);
  return spec;
}

}  // namespace xnorkit::file
