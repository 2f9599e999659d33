// The tensors that a quantised matrix is kept as in each layout of weight_format.h.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nibble/runtime/safetensors.h"
#include "nibble/runtime/weight_format.h"

namespace nibble {

struct WeightEntries {
  safetensors::Entry codes, scales;
  std::optional<safetensors::Entry> tensor_scale;  // nvfp4
  std::optional<safetensors::Entry> ternary;       // plain: i64 rows, cols, weights a byte
  std::optional<safetensors::Entry> hadamard;      // plain: i64 signs
};

// `name` and `shape` are of the matrix that was encoded: "layers.0.up.weight", [N, K] or [E, N, K].
// Throws if the layout has no names for it.
WeightEntries entries_of(Layout, const Encoding&, const std::string& name,
                         const std::vector<int64_t>& shape);

}  // namespace nibble
