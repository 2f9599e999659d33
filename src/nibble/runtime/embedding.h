// A table of embeddings of a checkpoint, f32, bf16 or fp16: the rows of tokens as the activations
// that the first product of a model reads, int16 or int8 with a float for each row.
//
// The table is read where it lies in the file, a row for a token; one that lies there without the
// alignment of its type is copied.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/view.h"
#include "nibble/ops/encode_rows/encode_rows.h"
#include "nibble/runtime/linear.h"

namespace nibble {

class Embedding {
 public:
  // `table` outlives this. Throws if it is no table of rows that can be encoded, or if activations
  // are neither s16 nor s8.
  Embedding(const SourceTensor& table, Activations, const Machine&);

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  // The rows of ids, encoded, until it is asked again. Throws if an id is no row.
  encode_rows::Encoded operator()(std::span<const int32_t> ids, Pool* = nullptr);

 private:
  std::string name_;
  int64_t rows_, cols_;
  Buffer<std::byte> copy_;
  Floats table_;
  encode_rows::Format format_;
  Machine machine_;
  std::vector<int16_t> codes_;  // int16, or int8 two to an element
  std::vector<float> scales_;
};

}  // namespace nibble
