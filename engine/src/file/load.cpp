// xnorkit_load alone needs files of an operating system.
#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "file/interface.h"

namespace {

std::vector<char> content_of(const char* path) {
  const auto refuse = [&](const std::string& reason) {
    xnorkit::fail(path, " cannot be read (", reason, "), but it must be a .xnor file.");
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) refuse(error ? error.message() : "there is no such file");
  if (!std::filesystem::is_regular_file(status)) refuse("it is not a regular file");
  const auto size = std::filesystem::file_size(path, error);
  if (error) refuse(error.message());
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse("it cannot be opened");
  std::vector<char> content(static_cast<size_t>(size));
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<size_t>(file.gcount()));
  return content;
}

}  // namespace

xnorkit_status xnorkit_load(const char* path, const xnorkit_options* options, xnorkit_model** model) {
  using xnorkit::file::failed;
  if (path == nullptr) {
    return failed(XNORKIT_ARGUMENT_ERROR, "", "path is a null pointer, but it must be the name of a file.");
  }
  std::vector<char> content;
  xnorkit_status status = xnorkit::file::guarded(XNORKIT_FILE_ERROR, "", [&] { content = content_of(path); });
  if (status != XNORKIT_OK) return status;
  const char nothing = '\0';  // an empty file has no bytes to point to
  status = xnorkit_load_memory(content.empty() ? &nothing : content.data(), content.size(), options, model);
  if (status != XNORKIT_FILE_ERROR) return status;
  return xnorkit::file::guarded(XNORKIT_FILE_ERROR, "", [&] { xnorkit::fail(path, ": ", xnorkit_error()); });
}
