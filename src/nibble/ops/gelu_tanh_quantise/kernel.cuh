// Compiled once per architecture, with its way to round.
#pragma once
#include "nibble/cuda/tile/made_rows.cuh"
#include "nibble/numerics/elementary.h"
#include "nibble/ops/gelu_tanh_quantise/kernels.h"

namespace nibble::gelu_tanh_quantise {
namespace {

namespace tile = cuda::tile;

struct Gelu {
  static constexpr int kInputs = 1;
  Floats x;
  int64_t ld;
  bool round_bf16;
  __device__ Floats input(int, int64_t row) const { return tile::row_of(x, row, ld); }
  __device__ float make(const float (&v)[1]) const {
    const float x3 = math::fma(0.044715f * (v[0] * v[0]), v[0], v[0]);
    const float y = v[0] * 0.5f * (1.0f + math::tanh(0.7978845608f * x3));
    return round_bf16 ? tile::as_bf16(y) : y;
  }
};

template <class Round>
void run(const Args& a, const Exec& e) {
  tile::launch_encode_made_rows<Round>(Gelu{a.x, a.ld, a.round_bf16}, a.to, a.x.type, a.rows,
                                       a.cols, tile::rows_are_aligned(a.x, a.ld), e);
}

}  // namespace
}  // namespace nibble::gelu_tanh_quantise
