// For tests: the text that the golden losses of the compatibility mode were taken on.
#pragma once
#include <fstream>
#include <iterator>
#include <string>

#include "nibble/train/text.h"

namespace nibble::train {

// Empty where the file is not there, and the test is skipped.
inline Bytes tinyshakespeare() {
  for (const char* place : {"/data/", "/../shared/data/"}) {
    std::ifstream in(NIBBLE_SOURCE_DIR + std::string(place) + "tinyshakespeare.txt",
                     std::ios::binary);
    if (in) return Bytes{std::istreambuf_iterator<char>(in), {}};
  }
  return {};
}

}  // namespace nibble::train
