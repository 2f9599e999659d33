// Private to this folder: where a tile's panels and rows begin.
#pragma once
#include "nibble/cpu/s8_tile.h"
#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {
namespace {

static_assert(kPanel == cpu::kS8Panel && kBlock == cpu::kS8Block);

inline cpu::S8Panels panels(const Args& a, int column) {
  const int64_t bytes = panel_bytes(a.k);
  return {.first = a.b + column / kPanel * bytes,
          .bytes = bytes,
          .sums = reinterpret_cast<const int32_t*>(a.b + sums_offset(a.n, a.k)) + column,
          .k = a.k};
}

}  // namespace
}  // namespace nibble::gemm_s8
