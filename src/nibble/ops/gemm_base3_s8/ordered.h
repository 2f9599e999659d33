// Private to this folder: the product with activations in the order of digits, as a product of so
// many columns. For files compiled for x86-64 ISAs only.
#pragma once
#include "nibble/cpu/base3_order.h"
#include "nibble/ops/gemm_base3_s8/kernels.h"

namespace nibble::gemm_base3_s8 {
namespace {

// kTogether: registers whose digits are ordered together.
template <int kTogether>
Args ordered(Args a, Pool* pool) {
  constexpr int64_t kStep = kTogether * cpu::kBase3Step;
  const int64_t k =
      std::max<int64_t>((a.k + kStep - 1) / kStep * kStep, kLayout.tiles(a.k) * kLayout.tile_k());
  auto* to = reinterpret_cast<int8_t*>(a.scratch);
  cpu::each_tile_copy<16>(a.m, pool, [&](int64_t begin, int count) {
    for (int64_t i = begin; i < begin + count; ++i)
      cpu::base3_order<kTogether>(a.x + i * a.ldx, a.k, k, to + i * k);
  });
  a.scratch += ordered_bytes(a.m, a.k);
  a.x = to, a.ldx = k, a.k = int(k);
  return a;
}

}  // namespace
}  // namespace nibble::gemm_base3_s8
