// A named tensor of somebody's state, for checkpoints; it does not own its memory.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "nibble/base/op.h"

namespace nibble {

struct StateTensor {
  std::string name;  // "block0.ffn1.shadow", "head.adam_m", ...
  DType type;
  std::vector<int64_t> shape;
  void* data = nullptr;
  int64_t bytes() const {
    int64_t n = bytes_of(type);
    for (int64_t d : shape) n *= d;
    return n;
  }
};

}  // namespace nibble
