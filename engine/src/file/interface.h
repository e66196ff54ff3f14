// What the functions of xnorkit/xnorkit.h share.
#pragma once

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "file/model.h"
#include "xnorkit/xnorkit.h"

struct xnorkit_model {
  xnorkit::file::Model model;
  std::vector<const char*> classes;
};

namespace xnorkit::file {

// Keeps the text for xnorkit_error and returns the status; never throws.
xnorkit_status failed(xnorkit_status status, const char* where, const char* reason) noexcept;

// Runs `body`. An error of a caller or of a file becomes `refusal`. `where` is named before its reason.
template <class Body>
xnorkit_status guarded(xnorkit_status refusal, const std::string& where, const Body& body) noexcept {
#if defined(__cpp_exceptions)
  try {
    body();
    return XNORKIT_OK;
  } catch (const std::invalid_argument& error) {
    return failed(refusal, where.c_str(), error.what());
  } catch (const std::bad_alloc&) {
    return failed(XNORKIT_MEMORY_ERROR, "", "there is not enough memory. Load a smaller model, or pass fewer images.");
  } catch (const std::exception& error) {
    return failed(XNORKIT_INTERNAL_ERROR, where.c_str(), error.what());
  }
#else
  static_cast<void>(refusal);
  static_cast<void>(where);
  body();
  return XNORKIT_OK;
#endif
}

}  // namespace xnorkit::file
