// Compiled once per architecture, with its way to round.
#pragma once
#include "nibble/cuda/tile/made_rows.cuh"
#include "nibble/numerics/elementary.h"
#include "nibble/ops/silu_mul_quantise/kernels.h"

namespace nibble::silu_mul_quantise {
namespace {

namespace tile = cuda::tile;

struct SiluMul {
  static constexpr int kInputs = 2;
  Floats gate, up;
  int64_t ld;
  bool round_bf16;
  __device__ Floats input(int n, int64_t row) const {
    return tile::row_of(n == 0 ? gate : up, row, ld);
  }
  __device__ float make(const float (&v)[2]) const {
    const float y = v[0] * math::sigmoid(v[0]) * v[1];
    return round_bf16 ? tile::as_bf16(y) : y;
  }
};

template <class Round>
void run(const Args& a, const Exec& e) {
  const bool aligned = tile::rows_are_aligned(a.gate, a.ld) && tile::rows_are_aligned(a.up, a.ld);
  tile::launch_encode_made_rows<Round>(SiluMul{a.gate, a.up, a.ld, a.round_bf16}, a.to, a.gate.type,
                                       a.rows, a.cols, aligned, e);
}

}  // namespace
}  // namespace nibble::silu_mul_quantise
