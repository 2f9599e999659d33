// Compiled once per ISA. A row of y stays in L1 or L2 until it is encoded.
#pragma once
#include "nibble/cpu/made_rows.h"
#include "nibble/numerics/elementary.h"
#include "nibble/ops/silu_mul_quantise/kernels.h"

namespace nibble::silu_mul_quantise {
namespace {

using cpu::F16;

// Row r of y from silu_mul(g, u) of sixteen lanes; returns its greatest magnitude. All of the
// sigmoid is inlined, or its constants are loaded again for each vector. The next row is fetched
// meanwhile: the sigmoid takes longer than memory does.
template <class T, class Silu>
[[gnu::noinline, gnu::flatten]] float make(const Args& a, int64_t r, cpu::MadeRow<kMaxCols>& row,
                                           Silu silu_mul) {
  const int64_t ld = a.ld;
  const bool round_bf16 = a.round_bf16;
  const T* gate = static_cast<const T*>(a.gate.data) + r * ld;
  const T* up = static_cast<const T*>(a.up.data) + r * ld;
  return cpu::make_row(
      a.cols, row, [&](int64_t i) __attribute__((always_inline)) {
        __builtin_prefetch(gate + ld + i);
        __builtin_prefetch(up + ld + i);
        const F16 v = silu_mul(cpu::load(gate + i), cpu::load(up + i));
        return round_bf16 ? cpu::as_bf16(v) : v;
      });
}

template <class T, class Silu>
void run_as(std::string_view variant, const Args& a, const Exec& e, Silu silu_mul) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    cpu::MadeRow<kMaxCols> row;
    for (int64_t r = begin; r < end; ++r) {
      const float amax = make<T>(a, r, row, silu_mul);
      const encode_rows::Encoded to = encode_rows::from_row(a.to, r, a.cols);
      if (!cpu::nvfp4::encode_made_row(to, a.cols, row, amax, [](int64_t) {}))
        encode_rows::encode(variant, {.rows = 1, .cols = a.cols, .x = row.y, .to = to}, &amax);
    }
  });
}

template <class Silu>
void run(std::string_view variant, const Args& a, const Exec& e, Silu silu_mul) {
  if (a.gate.type == DType::bf16) return run_as<bf16>(variant, a, e, silu_mul);
  run_as<float>(variant, a, e, silu_mul);
}

}  // namespace
}  // namespace nibble::silu_mul_quantise
