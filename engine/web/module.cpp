// The engine as a WebAssembly module: what xnorkit.js calls. There are no exceptions here: whatever fails keeps its
// message, and the module stops.
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "common/error.h"
#include "common/numbers.h"
#include "xnorkit/xnorkit.h"

#define XNORKIT_EXPORT(name) extern "C" __attribute__((export_name(#name)))
#define XNORKIT_IMPORT(name) extern "C" __attribute__((import_module("xnorkit"), import_name(#name)))

// JavaScript reads and writes numbers as exactly as the C library, whose code for them is large.
XNORKIT_IMPORT(read_number) double read_number(const char* text);
XNORKIT_IMPORT(write_number) void write_number(double number, int32_t digits, char* text);

namespace {

// The last message. A fixed array, because memory may be what is missing.
char message[1024];

[[noreturn]] void stop(const char* text) {
  size_t i = 0;
  for (; text[i] != '\0' && i + 1 < sizeof message; ++i) message[i] = text[i];
  message[i] = '\0';
  __builtin_trap();
}

[[noreturn]] void out_of_memory() {
  stop("There is not enough memory. Use a smaller model, or a browser that gives a page more memory.");
}

// A status other than success comes without a message of `fail` only where a build has exceptions.
void check(xnorkit_status status) {
  if (status != XNORKIT_OK) stop(xnorkit_error());
}

xnorkit_model* model = nullptr;

}  // namespace

// The library's way to the time, which nothing here takes.
extern "C" int32_t __imported_wasi_snapshot_preview1_clock_time_get(int32_t, int64_t, int32_t) { return 0; }

// The C++ library's ways to end. Its own print, with all of printf.
_LIBCPP_BEGIN_NAMESPACE_STD
void __libcpp_verbose_abort(const char* text, ...) noexcept { stop(text); }
_LIBCPP_END_NAMESPACE_STD
extern "C" void __cxa_pure_virtual() { stop("A function without a body was called, which is a defect of xnorkit."); }

// What would destroy a thread's variables at its end: the only thread has none.
extern "C" int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }

namespace xnorkit {

void end_with(const std::string& text) { stop(text.c_str()); }

double nearest_double(const std::string& literal) { return read_number(literal.c_str()); }

std::string number_text(double number, int digits) {
  char text[32];
  write_number(number, digits, text);
  return text;
}

}  // namespace xnorkit

XNORKIT_EXPORT(xw_message) const char* xw_message() { return message; }

XNORKIT_EXPORT(xw_allocate) void* xw_allocate(size_t bytes) {
  std::set_new_handler(out_of_memory);
  return ::operator new(bytes);
}

XNORKIT_EXPORT(xw_free) void xw_free(void* memory) { ::operator delete(memory); }

// Loads the module's one model.
XNORKIT_EXPORT(xw_load) void xw_load(const void* file, size_t bytes) {
  xnorkit_options options{};
  options.isa = "wasm";
  options.threads = 1;
  check(xnorkit_load_memory(file, bytes, &options, &model));
}

// Channels, height and width of an image, whether floats and whether pixels are accepted, channels, height and width of
// the result.
XNORKIT_EXPORT(xw_describe) const int32_t* xw_describe() {
  static int32_t numbers[8];
  xnorkit_input_info input;
  xnorkit_output_info output;
  check(xnorkit_input(model, &input));
  check(xnorkit_output(model, &output));
  int i = 0;
  for (const int64_t number : {input.channels, input.height, input.width, int64_t{input.takes_floats},
                               int64_t{input.takes_pixels}, output.channels, output.height, output.width}) {
    numbers[i++] = static_cast<int32_t>(number);
  }
  return numbers;
}

// The name of a class; empty where the file has none.
XNORKIT_EXPORT(xw_class) const char* xw_class(int32_t index) {
  xnorkit_output_info output;
  check(xnorkit_output(model, &output));
  return output.classes == nullptr ? "" : output.classes[index];
}

XNORKIT_EXPORT(xw_run) void xw_run(int32_t type, const void* image, float* outputs) {
  check(xnorkit_run(model, static_cast<xnorkit_type>(type), image, 1, outputs));
}
