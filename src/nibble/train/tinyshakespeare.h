// For tests: the text that the golden losses of the compatibility mode were taken on.
#pragma once
#include <fstream>
#include <iterator>
#include <string>

#include "nibble/train/text.h"

namespace nibble::train {

// Empty where the file is not there, and the test is skipped.
inline Bytes tinyshakespeare(const std::string& source_dir) {
  for (const char* place : {"/data/", "/../shared/data/"}) {
    std::ifstream in(source_dir + place + "tinyshakespeare.txt", std::ios::binary);
    if (in) return Bytes{std::istreambuf_iterator<char>(in), {}};
  }
  return {};
}

}  // namespace nibble::train
