// Activations as floats, for kernels compiled for AVX2 or AVX-512.
#pragma once
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/gemm_mxfp4_e4m3/kernels.h"

namespace nibble::gemm_mxfp4_e4m3 {
namespace {

// put(column, 16 floats) for a row and the zeros behind it, and the scales: for all rows.
template <class Put>
void pack(const Args& a, const Exec& e, Put&& put) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto* x = reinterpret_cast<const uint8_t*>(a.x + i * a.ldx);
      for (int64_t k = 0; k < padded_k(a.k); k += 16)
        put(i, k, k < a.k ? cpu::from_e4m3(cpu::load_u8(x + k)) : cpu::splat(0.0f));
      spread_scales(a, i);
    }
  });
}
inline void pack_floats(const Args& a, const Exec& e, float factor) {
  pack(a, e, [&](int64_t i, int64_t k, cpu::F16 x) {
    cpu::store(a.packed_x + i * padded_k(a.k) + k, x * cpu::splat(factor));
  });
}

}  // namespace
}  // namespace nibble::gemm_mxfp4_e4m3
