// Rows of a matrix to codes and scales and back, through the ops, by an Encoding.
#pragma once
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/parallel.h"
#include "nibble/numerics/floats.h"
#include "nibble/runtime/weight_format.h"

namespace nibble {

// What has to be known of a whole tensor before its first row is encoded.
struct TensorFacts {
  float amax = 0;  // NaN if there is one
  double sum = 0;  // of magnitudes, in order of rows
  int64_t count = 0;

  void add(Floats, int64_t rows, int64_t cols, const Machine&, Pool*);
};

// The codes and scales of some rows as a checkpoint has them, and the tensor's factor.
struct EncodedRows {
  std::vector<uint8_t> codes, scales;
};

// Rows as they are encoded: x, or what the Hadamard transform of the encoding makes of it in `to`.
Floats transformed(const Encoding&, Floats x, int64_t rows, int64_t cols, std::vector<float>& to,
                   const Machine&, Pool*);

// Encodes rows that are transformed, and decodes to rows that are not.
class RowEncoder {
 public:
  RowEncoder(const Encoding&, const TensorFacts&, const Machine&, Pool*);
  // For decode() alone: what a checkpoint has. A ternary's factor is its scale.
  static RowEncoder of_stored(const Encoding&, float multiplier, const std::vector<uint8_t>& scales,
                              const Machine&, Pool*);
  // Rows that a chunk must hold a multiple of, but for the last.
  static int64_t row_step(const Encoding& e) {
    return e.format == WeightFormat::fp8_block ? 128 : 1;
  }
  // `first` is the number of the first row in the matrix, which stochastic rounding goes by.
  void encode(Floats, int64_t rows, int64_t cols, EncodedRows&, int64_t first = 0) const;
  void decode(const EncodedRows&, int64_t rows, int64_t cols, float* y) const;
  // nvfp4: what codes times scales are multiplied by, and its reciprocal as the mode has it.
  float multiplier() const { return tensor_.decode; }
  float divisor() const;

 private:
  void decode_codes(const EncodedRows&, int64_t rows, int64_t cols, float* y) const;

  Encoding encoding_;
  TensorFacts facts_;
  Nvfp4Tensor tensor_;
  float gamma_ = 0;
  const Machine& machine_;
  Pool* pool_;
};

}  // namespace nibble
