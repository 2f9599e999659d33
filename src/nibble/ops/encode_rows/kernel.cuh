// Compiled once per architecture, with its way to round. What the host gets from the encoders'
// variants is one launch here: a block of threads for a row.
#pragma once
#include "nibble/cuda/tile/made_rows.cuh"
#include "nibble/ops/encode_rows/kernels.h"

namespace nibble::encode_rows {
namespace {

namespace tile = cuda::tile;

struct Rows {
  static constexpr int kInputs = 1;
  Floats x;
  int64_t cols;
  __device__ Floats input(int, int64_t row) const { return tile::row_of(x, row, cols); }
  __device__ float make(const float (&v)[1]) const { return v[0]; }
};

template <class Round>
void run(const Args& a, const Exec& e) {
  tile::launch_encode_made_rows<Round>(Rows{a.x, a.cols}, a.to, a.x.type, a.rows, a.cols,
                                       tile::rows_are_aligned(a.x, a.cols), e);
}

}  // namespace
}  // namespace nibble::encode_rows
