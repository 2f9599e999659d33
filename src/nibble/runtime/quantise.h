// Quantises a checkpoint: chosen matrices become codes and scales, everything else is copied as it
// is. Rows pass through in chunks, so memory is bounded by the chunk and not by the file.
//
// The output is a .safetensors file, or a folder with the input's shards, an index, config.json
// with quantization_config, and the other small files of the input. It is there whole or not at
// all.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/parallel.h"
#include "nibble/runtime/source.h"
#include "nibble/runtime/weight_format.h"

namespace nibble {

struct QuantiseOptions {
  WeightFormat format = WeightFormat::nvfp4;
  std::string mode;  // empty: the format's first
  Layout layout = Layout::modelopt;
  // nvfp4: elements are rounded up or down by chance, every tensor by numbers of its own.
  std::optional<uint64_t> stochastic_seed;
  // Rows go through op hadamard16 before they are encoded; plain, which says so in T.hadamard.
  bool hadamard = false;
  // Globs of names: a matrix is chosen if one of `include` matches and none of `exclude`.
  std::vector<std::string> include, exclude;
};

// A matrix and what became of it; errors are of the decoded values against the input's.
struct QuantiseReport {
  std::string name, mode;
  int64_t rows = 0, cols = 0;
  double relative_l2 = 0;  // |y - x| / |x|; 0 for a matrix of zeros
  double max_error = 0;    // max |y - x|
  double cosine = 1;       // of x and y
  double largest = 0;      // share of codes of the greatest magnitude: what saturates is among them
  double zero = 0;         // share of codes that are zero
};

struct QuantiseProgress {
  int64_t done = 0, total = 0;  // bytes of the input that are dealt with
  std::string_view name;        // of the tensor at hand
};

// "*" stands for any characters, dots too, "?" for one.
bool matches_glob(std::string_view pattern, std::string_view name);

// Throws nibble::Error with one sentence; nothing is left behind then.
std::vector<QuantiseReport> quantise(const Source&, const std::filesystem::path& out,
                                     const QuantiseOptions&, const Machine&, Pool*,
                                     const std::function<void(const QuantiseProgress&)>& = {});

}  // namespace nibble
