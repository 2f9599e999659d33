// What `nibble multiply` times: matrices of a checkpoint, or whole layers of them, each beside the
// same in double.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "nibble/runtime/linear.h"

namespace nibble::app {

// x has `cols` columns and y `rows`.
struct Product {
  std::string name, shape, format, activations, op, variant;
  int64_t rows, cols;
  int64_t bytes;  // of weights that it reads
  double ops;     // of a token
  std::function<void(MatrixView<const float> x, MatrixView<float> y, Pool*)> multiply;
  std::function<std::vector<double>(const std::vector<double>& x, Pool*)> exact;
};

struct ProductOptions {
  std::string path;                // for messages
  std::vector<std::string> names;  // globs; empty: all
  std::string activations;         // beside quantised weights; empty: the default of each format
  int64_t tokens = 1;
  bool layers = false;
};

// Throws if there is nothing. Matrices of the wanted names that no op multiplies by are said on
// stderr. The checkpoint outlives what is returned.
std::vector<Product> products(const PackedWeights&, const Recognised&, const ProductOptions&,
                              const Machine&, Pool*);

}  // namespace nibble::app
