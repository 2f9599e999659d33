// Compiled once per architecture, with its way to decode.
#pragma once
#include "nibble/cuda/tile/gemv_nvfp4.cuh"
#include "nibble/ops/gemv_nvfp4_fp16/kernels.h"

namespace nibble::gemv_nvfp4_fp16 {
namespace {

namespace tile = cuda::tile;

// The bounds are the budget of registers: 80 with one row of activations, so that 24 warps have
// loads in flight, 128 with more, which are bound by arithmetic.
template <class Decode, bool kOverlap, int kRows, int kWeightRows>
__global__ void __launch_bounds__(256, kRows == 1 ? 3 : 2)
    gemv_nvfp4_fp16_rows(tile::Gemv g, tile::HalfRows<Decode> x) {
  if constexpr (kOverlap) cuda::ptx::release_next();
  tile::gemv<tile::HalfRows<Decode>, kRows, kWeightRows>(g, x);
}

template <bool kOverlap>
__global__ void __launch_bounds__(256, 4) gemv_nvfp4_fp16_combine(tile::Gemv g, int64_t outputs) {
  if constexpr (kOverlap) cuda::ptx::wait_for_previous();
  tile::gemv_combine(g, outputs);
}

template <class Decode, bool kOverlap>
struct Kernels {
  template <int kRows, int kWeightRows>
  static auto rows() {
    return gemv_nvfp4_fp16_rows<Decode, kOverlap, kRows, kWeightRows>;
  }
};

// kOverlap: the second kernel begins while the first one ends; sm_90 and later.
template <class Decode, bool kOverlap>
void run(const Args& a, const Exec& e) {
  tile::Gemv g{.m = a.m, .k = a.k, .rows = a.rows, .alpha = a.alpha, .layout = a.layout};
  g.codes = reinterpret_cast<const uint8_t*>(a.w);
  g.scales = reinterpret_cast<const uint8_t*>(a.scale);
  g.y = reinterpret_cast<uint16_t*>(a.y), g.partial = a.partial;
  const tile::HalfRows<Decode> x{reinterpret_cast<const uint16_t*>(a.x), a.rows};
  tile::launch_gemv<Kernels<Decode, kOverlap>>(gemv_nvfp4_fp16_combine<kOverlap>, kOverlap, g, x,
                                               a.batch, e);
}

}  // namespace
}  // namespace nibble::gemv_nvfp4_fp16
