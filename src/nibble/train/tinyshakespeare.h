// For tests: the text that the golden losses of the compatibility mode were taken on.
#pragma once
#include <fstream>
#include <iterator>
#include <string>

#include "nibble/train/text.h"

namespace nibble::train {

// Empty where the folder does not have it, and the test is skipped.
inline Bytes tinyshakespeare(const std::string& folder) {
  std::ifstream in(folder + "/tinyshakespeare.txt", std::ios::binary);
  Bytes text{std::istreambuf_iterator<char>(in), {}};
  return text.size() == 1115394 ? text : Bytes();
}

}  // namespace nibble::train
