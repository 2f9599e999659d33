// Whole weights: a matrix of a checkpoint that is not quantised, f32, bf16 or fp16, in the panels
// that products by such weights read (numerics/dense_panel.h). They are copied: a tensor of the
// file may stay unread until then.
#pragma once
#include <string>

#include "nibble/base/parallel.h"
#include "nibble/runtime/buffer.h"
#include "nibble/runtime/source.h"

namespace nibble {

struct WholeWeight {
  std::string name;
  DType type = DType::f32;
  int64_t rows = 0, cols = 0;  // of [N, K], or of [E, N, K] with all its E * N rows
  Buffer<std::byte> panels;
};

// Throws if the tensor is no matrix of floats, or is one in blocks of GGUF.
WholeWeight pack_whole(const SourceTensor&, Pool* = nullptr);

}  // namespace nibble
