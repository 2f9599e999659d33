// Compiled once per architecture, with its way to round.
#pragma once
#include "nibble/cuda/tile/made_rows.cuh"
#include "nibble/ops/embedding_quantise/kernels.h"

namespace nibble::embedding_quantise {
namespace {

namespace tile = cuda::tile;

struct Gather {
  static constexpr int kInputs = 1;
  Floats table;
  const int32_t* ids;
  int64_t cols;
  __device__ Floats input(int, int64_t row) const { return tile::row_of(table, ids[row], cols); }
  __device__ float make(const float (&v)[1]) const { return v[0]; }
};

template <class Round>
void run(const Args& a, const Exec& e) {
  tile::launch_encode_made_rows<Round>(Gather{a.table, a.ids, a.cols}, a.to, a.table.type, a.rows,
                                       a.cols, tile::rows_are_aligned(a.table, a.cols), e);
}

}  // namespace
}  // namespace nibble::embedding_quantise
