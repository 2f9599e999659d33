#include "nibble/harness/replace_file.h"

#include <filesystem>
#include <fstream>

namespace nibble::harness {

Status replace_file(const std::string& file, const std::string& text) {
  namespace fs = std::filesystem;
  std::error_code none, failed;
  if (fs::exists(file, none) && !fs::is_regular_file(file, none))
    return Status::error("cannot write " + file + ": what has this name is not a regular file");
  const std::string temporary = file + ".tmp";
  std::ofstream out(temporary);
  out << text;
  out.close();
  if (out) fs::rename(temporary, file, failed);
  if (out && !failed) return {};
  fs::remove(temporary, none);
  return Status::error("cannot write " + file + ": is the folder there and writable?");
}

}  // namespace nibble::harness
