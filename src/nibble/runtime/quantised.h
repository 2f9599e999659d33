// Which tensors of a checkpoint are together a quantised matrix, found by names, dtypes and shapes.
#pragma once
#include <string>
#include <vector>

#include "nibble/runtime/source.h"
#include "nibble/runtime/weight_format.h"

namespace nibble {

struct QuantisedWeight {
  std::string name;  // of the matrix: "layers.0.up.weight"
  Layout layout = Layout::plain;
  Encoding encoding;           // without a mode, which no checkpoint says
  std::vector<int64_t> shape;  // of the matrix: [N, K] or [E, N, K]
  const SourceTensor* codes = nullptr;
  const SourceTensor* scales = nullptr;
  const SourceTensor* tensor_scale = nullptr;  // nvfp4
  const SourceTensor* input_scale = nullptr;   // null: activations have none
  const SourceTensor* ternary = nullptr;       // rows, cols, weights a byte
  const SourceTensor* hadamard = nullptr;      // null: rows are codes of the matrix itself

  // All that are there.
  std::vector<const SourceTensor*> parts() const;
  int64_t cols() const { return shape.back(); }
  int64_t rows() const;
  // nvfp4: what the layout keeps, and what codes times scales are multiplied by.
  float stored_tensor_scale() const;
  float multiplier() const;
};

struct Recognised {
  std::vector<QuantisedWeight> weights;
  std::vector<const SourceTensor*> others;  // in the order of the source
};

// Throws if parts are missing or do not fit one another.
Recognised recognise(const Source&);

// Row pieces of the decoded matrix: for comparisons, and for what has no kernel. `y` has
// (end - begin) * cols floats; begin is a multiple of 128 for fp8_block.
void decode_rows(const QuantisedWeight&, int64_t begin, int64_t end, const Machine&, Pool*,
                 float* y);

}  // namespace nibble
