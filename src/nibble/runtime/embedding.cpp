#include "nibble/runtime/embedding.h"

#include <algorithm>

#include "nibble/ops/embedding_quantise/embedding_quantise.h"
#include "nibble/runtime/error.h"

namespace nibble {

Embedding::Embedding(const SourceTensor& table, Activations activations, const Machine& machine)
    : name_(table.copy.name),
      rows_(table.rows()),
      cols_(table.cols()),
      format_(activations == Activations::s8 ? encode_rows::Format::s8 : encode_rows::Format::s16),
      machine_(machine) {
  if (table.blocks || !table.is_matrix_of_floats() || cols_ % 16 != 0)
    throw Error("tensor " + name_ + " is no table of embeddings: it has " +
                std::string(table.format) + ", " + std::to_string(cols_) +
                " to a row, and f32, bf16 or fp16 are read, a multiple of 16");
  if (activations != Activations::s16 && activations != Activations::s8)
    throw Error("rows of tables are not rounded to " + std::string(to_string(activations)) +
                ", but to s16 or s8");
  const std::byte* data = table.data.data();
  if (reinterpret_cast<uintptr_t>(data) % size_t(bytes_of(table.copy.type)) != 0) {
    copy_ = Buffer<std::byte>(int64_t(table.data.size()));
    std::copy(table.data.begin(), table.data.end(), copy_.data());
    data = copy_.data();
  }
  table_ = {table.copy.type, data};
}

encode_rows::Encoded Embedding::operator()(std::span<const int32_t> ids, Pool* pool) {
  for (int32_t id : ids)
    if (id < 0 || id >= rows_)
      throw Error("tensor " + name_ + " has rows 0 to " + std::to_string(rows_ - 1) + ", and not " +
                  std::to_string(id));
  const auto tokens = int64_t(ids.size());
  codes_.resize(size_t(tokens * cols_)), scales_.resize(size_t(tokens));
  const encode_rows::Encoded to{.format = format_,
                                .codes = reinterpret_cast<uint8_t*>(codes_.data()),
                                .scales = scales_.data()};
  throw_if(run<embedding_quantise::Op>({.rows = tokens,
                                        .cols = cols_,
                                        .vocabulary = rows_,
                                        .ids = ids.data(),
                                        .table = table_,
                                        .to = to},
                                       machine_, {.pool = pool}));
  return to;
}

}  // namespace nibble
