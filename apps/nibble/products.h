// What `nibble multiply` times: matrices of a checkpoint and rows of its tables of embeddings, or
// whole layers, each beside the same in double.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nibble/runtime/linear.h"

namespace nibble::app {

// x has `cols` columns and y `rows`.
struct Product {
  std::string name, shape, format, activations, op, variant;
  int64_t rows, cols;
  double ops;                      // of a token
  std::function<int64_t()> bytes;  // of weights that the last call read
  std::function<void(MatrixView<const float> x, MatrixView<float> y, Pool*)> multiply;
  std::function<std::vector<double>(const std::vector<double>& x, Pool*)> exact;
  // What the last multiply() rounded x to; layers round more than once and have none.
  std::function<std::vector<double>()> rounded = {};
  // The same as `exact` from the matrix as it was before it was quantised, if there is one.
  std::function<std::vector<double>(const std::vector<double>& x, Pool*)> original = {};
  // Where multiply() leaves something else than floats: what they are.
  std::function<void(MatrixView<float> y)> decode = {};
};

struct ProductOptions {
  std::string path;                        // for messages
  std::vector<std::string> names;          // globs; empty: all
  std::optional<Activations> activations;  // beside quantised weights; else each format's default
  int64_t tokens = 1;
  const Source* original = nullptr;  // with the matrices before they were quantised; outlives all
  bool layers = false;
  std::optional<int> top;  // experts of a token; else what config.json says, or 2
};

// Throws if there is nothing. Matrices of the wanted names that no op multiplies by are said on
// stderr. The checkpoint outlives what is returned.
std::vector<Product> products(const PackedWeights&, const Recognised&, const ProductOptions&,
                              const Machine&, Pool*);

// For the parts of it.
bool is_wanted(const ProductOptions&, const std::string& name);
void leave_out(const std::string& name, const std::string& why);
// Of a matrix that is not quantised, which it keeps; and the bytes of its panels.
std::shared_ptr<Linear> whole_linear(const SourceTensor&, const Machine&, Pool*, int64_t* bytes);

}  // namespace nibble::app
