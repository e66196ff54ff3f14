// The functions of xnorkit/xnorkit.h but for xnorkit_load.
#include "file/interface.h"

#include <algorithm>

#include "common/error.h"
#include "xnorkit/isa.h"

namespace xnorkit::file {
namespace {

constexpr int kMaxThreads = 256;

thread_local std::string last_error;

int64_t limit_of(const char* name, int64_t given, int64_t usual) {
  if (given < kNoLimit) {
    fail("options: max_", name, " is ", given, ", but it must be -1 for no limit, 0 for the default, or a limit.");
  }
  return given == 0 ? usual : given;
}

Options options_of(const xnorkit_options* given) {
  const xnorkit_options usual{};
  const xnorkit_options& from = given == nullptr ? usual : *given;
  Options options;
  options.isa = from.isa == nullptr ? default_isa() : from.isa;
  const std::vector<std::string> known = isas();
  if (std::find(known.begin(), known.end(), options.isa) == known.end()) {
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
    fail("options: isa is '", options.isa, "', but it must be one that this CPU and build have: ", names, ".");
  }
  options.threads = from.threads == 0 ? default_threads() : from.threads;
  if (options.threads < 1 || options.threads > kMaxThreads) {
    fail("options: threads is ", from.threads, ", but it must be from 1 to ", kMaxThreads, ", or 0 for the default.");
  }
  if (from.height < 0 || from.width < 0) {
    fail("options: height is ", from.height, " and width is ", from.width,
         ", but each must be at least 1, or 0 for the file's.");
  }
  options.height = from.height;
  options.width = from.width;
  const Limits limits;
  options.limits.header = limit_of("header", from.max_header, limits.header);
  options.limits.nodes = limit_of("nodes", from.max_nodes, limits.nodes);
  options.limits.padding = limit_of("padding", from.max_padding, limits.padding);
  options.limits.values = limit_of("values", from.max_values, limits.values);
  options.limits.plan = limit_of("plan", from.max_plan, limits.plan);
  options.limits.work = limit_of("work", from.max_work, limits.work);
  return options;
}

void check_pointer(const void* pointer, const char* name) {
  if (pointer == nullptr) fail(name, " is a null pointer, but it must point to an object.");
}

}  // namespace

xnorkit_status failed(xnorkit_status status, const char* where, const char* reason) noexcept {
#if defined(__cpp_exceptions)
  try {
    last_error = std::string(where) + reason;
  } catch (...) {
    last_error.clear();  // without memory there is no text
  }
#else
  last_error = std::string(where) + reason;
#endif
  return status;
}

}  // namespace xnorkit::file

using xnorkit::file::check_pointer;
using xnorkit::file::guarded;

const char* xnorkit_error(void) { return xnorkit::file::last_error.c_str(); }

const char* xnorkit_version(void) { return XNORKIT_VERSION; }

xnorkit_status xnorkit_load_memory(const void* bytes, size_t size, const xnorkit_options* options,
                                   xnorkit_model** model) {
  xnorkit::file::Options checked;
  const xnorkit_status status = guarded(XNORKIT_ARGUMENT_ERROR, "", [&] {
    check_pointer(bytes, "bytes");
    check_pointer(model, "model");
    checked = xnorkit::file::options_of(options);
  });
  if (status != XNORKIT_OK) return status;
  std::string where;
  return guarded(XNORKIT_FILE_ERROR, where, [&] {
    xnorkit::file::Model loaded(static_cast<const uint8_t*>(bytes), size, checked, where);
    auto result = std::make_unique<xnorkit_model>(xnorkit_model{std::move(loaded), {}});
    for (const std::string& name : result->model.classes()) result->classes.push_back(name.c_str());
    *model = result.release();
  });
}

xnorkit_status xnorkit_input(const xnorkit_model* model, xnorkit_input_info* info) {
  return guarded(XNORKIT_ARGUMENT_ERROR, "", [&] {
    check_pointer(model, "model");
    check_pointer(info, "info");
    const xnorkit::Shape image = model->model.image();
    const xnorkit::file::InputSpec& input = model->model.input();
    *info = {image.channels, image.height, image.width, input.takes_floats(), input.takes_pixels(), input.dynamic};
  });
}

xnorkit_status xnorkit_output(const xnorkit_model* model, xnorkit_output_info* info) {
  return guarded(XNORKIT_ARGUMENT_ERROR, "", [&] {
    check_pointer(model, "model");
    check_pointer(info, "info");
    const xnorkit::Shape output = model->model.output();
    *info = {output.channels, output.height, output.width, model->classes.empty() ? nullptr : model->classes.data()};
  });
}

xnorkit_status xnorkit_run(const xnorkit_model* model, xnorkit_type type, const void* images, size_t count,
                           float* outputs) {
  return guarded(XNORKIT_ARGUMENT_ERROR, "", [&] {
    check_pointer(model, "model");
    check_pointer(images, "images");
    check_pointer(outputs, "outputs");
    if (count == 0) xnorkit::fail("count is 0, but it must be at least 1.");
    if (type == XNORKIT_UINT8) {
      model->model.run(static_cast<const uint8_t*>(images), count, outputs);
    } else if (type == XNORKIT_FLOAT32) {
      model->model.run(static_cast<const float*>(images), count, outputs);
    } else {
      xnorkit::fail("type is ", static_cast<int>(type), ", but it must be XNORKIT_FLOAT32 or XNORKIT_UINT8.");
    }
  });
}

void xnorkit_free(xnorkit_model* model) { delete model; }
