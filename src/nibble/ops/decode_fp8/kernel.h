// Compiled once per ISA.
#pragma once

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/decode_fp8/kernels.h"

namespace nibble::decode_fp8 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

template <class T>
void run_as(const Args& a, const Exec& e) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  auto* y = static_cast<T*>(a.y.data);
  const auto* codes = reinterpret_cast<const uint8_t*>(a.codes);
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t t = 0; t < g.cols; ++t) {
        const int64_t at = r / g.tile_rows * g.cols + t;
        const F16 scale = splat(a.scales ? a.scales[at] : to_float(a.scales_ue8m0[at]));
        const auto decoded = [&](I16 c) { return cpu::one_nan(cpu::from_e4m3(c) * scale); };
        int64_t i = r * a.cols + t * g.tile_cols;
        const int64_t stop = (t + 1) * g.tile_cols < a.cols ? i + g.tile_cols : (r + 1) * a.cols;
        for (; i + 16 <= stop; i += 16) cpu::store(y + i, decoded(cpu::load_u8(codes + i)));
        if (i < stop)
          cpu::store_part(y + i, decoded(cpu::load_u8_part(codes + i, stop - i)), stop - i);
      }
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.y.type == DType::bf16) return run_as<bf16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::decode_fp8
