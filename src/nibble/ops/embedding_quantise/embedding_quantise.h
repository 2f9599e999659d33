// embedding_quantise:  row ids[r] of a table, encoded
//
// The first activations of a model in one pass: each token's row of the embedding as codes with
// scales of the row (encode_rows.h), byte for byte what a gather and encode_rows make of it.
// That ids are rows of the table is for the tokenizer's caller to see to: check() does not read
// them.
#pragma once
#include "nibble/ops/encode_rows/encode_rows.h"

namespace nibble::embedding_quantise {

struct Args {
  int64_t rows = 0, cols = 0;    // cols: as encode_rows
  int64_t vocabulary = 0;        // rows of the table
  const int32_t* ids = nullptr;  // [rows], each in 0..vocabulary - 1
  Floats table;                  // [vocabulary][cols], f32, bf16 or fp16
  encode_rows::Encoded to;
};

struct Op {
  using Args = embedding_quantise::Args;
  static constexpr std::string_view name = "embedding_quantise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 4 * a.rows * a.cols,
            .bytes = a.rows * (4 + a.cols * bytes_of(a.table.type) +
                               encode_rows::row_bytes(a.to.format, a.cols)),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::embedding_quantise
