// Compiled once per ISA. A row of y stays in L1 or L2 until it is encoded.
#pragma once
#include "nibble/cpu/made_rows.h"
#include "nibble/ops/gelu_tanh_quantise/gelu.h"
#include "nibble/ops/gelu_tanh_quantise/kernels.h"

namespace nibble::gelu_tanh_quantise {
namespace {

using cpu::F16;

// Row r of y from gelu(x) of sixteen lanes; returns its greatest magnitude. All of tanh is inlined,
// or its constants are loaded again for each vector. The next row is fetched meanwhile: tanh takes
// longer than memory does.
template <class T, class Gelu>
[[gnu::noinline, gnu::flatten]] float make(const Args& a, int64_t r, cpu::MadeRow<kMaxCols>& row,
                                           Gelu gelu) {
  const int64_t ld = a.ld;
  const bool round_bf16 = a.round_bf16;
  const T* x = static_cast<const T*>(a.x.data) + r * ld;
  return cpu::make_row(
      a.cols, row, [&](int64_t i) __attribute__((always_inline)) {
        __builtin_prefetch(x + ld + i);
        const F16 v = gelu(cpu::load(x + i));
        return round_bf16 ? cpu::as_bf16(v) : v;
      });
}

template <class T, class Gelu>
void run_as(std::string_view variant, const Args& a, const Exec& e, Gelu gelu) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    cpu::MadeRow<kMaxCols> row;
    for (int64_t r = begin; r < end; ++r) {
      const float amax = make<T>(a, r, row, gelu);
      const encode_rows::Encoded to = encode_rows::from_row(a.to, r, a.cols);
      if (!cpu::nvfp4::encode_made_row(to, a.cols, row, amax, [](int64_t) {}))
        encode_rows::encode(variant, {.rows = 1, .cols = a.cols, .x = row.y, .to = to}, &amax);
    }
  });
}

template <class Gelu>
void run(std::string_view variant, const Args& a, const Exec& e, Gelu gelu) {
  if (a.x.type == DType::bf16) return run_as<bf16>(variant, a, e, gelu);
  run_as<float>(variant, a, e, gelu);
}

}  // namespace
}  // namespace nibble::gelu_tanh_quantise
