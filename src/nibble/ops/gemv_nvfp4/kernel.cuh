// Compiled once per architecture, with its way to decode.
#pragma once
#include "nibble/cuda/tile/gemv_nvfp4.cuh"
#include "nibble/ops/gemv_nvfp4/kernels.h"

namespace nibble::gemv_nvfp4 {
namespace {

namespace tile = cuda::tile;

template <class Decode>
using Rows = tile::CodeRows<Decode>;

// registers: 80 (kRows 1), 128 else; three and two blocks of 256 threads fit a multiprocessor
template <class Decode, bool kOverlap, int kRows, int kWeightRows>
__global__ void __launch_bounds__(256, kRows == 1 ? 3 : 2)
    gemv_nvfp4_rows(tile::Gemv g, Rows<Decode> x) {
  if constexpr (kOverlap) cuda::ptx::release_next();
  tile::gemv<Decode, Rows<Decode>, kRows, kWeightRows>(g, x);
}

// registers: 32
template <bool kOverlap>
__global__ void __launch_bounds__(256) gemv_nvfp4_combine(tile::Gemv g, int64_t outputs) {
  if constexpr (kOverlap) cuda::ptx::wait_for_previous();
  tile::gemv_combine(g, outputs);
}

template <class Decode, bool kOverlap, int kRows>
void launch_rows(const tile::GemvPlan& p, const cuda::Launch& l, const Exec& e, const tile::Gemv& g,
                 const Rows<Decode>& x) {
  if constexpr (kRows > 1)
    cuda::launch(gemv_nvfp4_rows<Decode, kOverlap, kRows, 2>, l, e, g, x);
  else if (p.weight_rows == 1)
    cuda::launch(gemv_nvfp4_rows<Decode, kOverlap, 1, 1>, l, e, g, x);
  else
    cuda::launch(gemv_nvfp4_rows<Decode, kOverlap, 1, 4>, l, e, g, x);
}

// kOverlap: the second kernel begins while the first one ends; sm_90 and later.
template <class Decode, bool kOverlap>
void run(const Args& a, const Exec& e) {
  const tile::GemvPlan p = tile::plan_gemv(a.m, a.k, a.rows, a.batch, cuda::multiprocessors());
  tile::Gemv g{.m = a.m, .k = a.k, .rows = a.rows, .alpha = a.alpha, .layout = a.layout};
  g.codes = reinterpret_cast<const uint8_t*>(a.a);
  g.scales = reinterpret_cast<const uint8_t*>(a.sfa);
  g.y = reinterpret_cast<uint16_t*>(a.c), g.partial = a.partial;
  const Rows<Decode> x{reinterpret_cast<const uint8_t*>(a.b),
                       reinterpret_cast<const uint8_t*>(a.sfb), a.b_rows, a.layout};
  const int passes = a.rows > 4 ? 2 : 1;
  const cuda::Launch l{
      .grid = dim3(unsigned(p.row_tiles), unsigned(p.splits), unsigned(a.batch * passes)),
      .block = dim3(32, unsigned(p.k_warps), unsigned(p.row_groups))};
  if (a.rows == 1)
    launch_rows<Decode, kOverlap, 1>(p, l, e, g, x);
  else if (a.rows == 2)
    launch_rows<Decode, kOverlap, 2>(p, l, e, g, x);
  else
    launch_rows<Decode, kOverlap, 4>(p, l, e, g, x);
  if (p.splits == 1) return;
  const int64_t outputs = a.batch * a.rows * a.m;
  cuda::launch(
      gemv_nvfp4_combine<kOverlap>,
      {.grid = unsigned((outputs + 255) / 256), .block = 256, .overlaps_previous = kOverlap}, e, g,
      outputs);
}

}  // namespace
}  // namespace nibble::gemv_nvfp4
