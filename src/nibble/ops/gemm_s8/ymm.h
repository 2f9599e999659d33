// Private to this folder: the loop over tiles of one panel and a few rows,
// whose sums two registers a row hold, for the ISAs of 256 bits. `Dot`
// multiplies (cpu/s8_tile_avx2.h).
#pragma once
#include <cstring>

#include "nibble/cpu/s8_tile_avx2.h"
#include "nibble/ops/gemm_s8/panels.h"

namespace nibble::gemm_s8 {
namespace {

template <class Dot, int R>
void tile(const Args& a, int64_t m, int column) {
  cpu::I16 acc[R];
  cpu::s8_tile<Dot>(panels(a, column), cpu::S8Strided{a.a + m * a.lda, a.lda}, acc);
  cpu::unrolled<R>([&](auto r) __attribute__((always_inline)) {
    int32_t* c = a.c + (m + r) * a.ldc + column;
    if (a.n - column >= kPanel) {
      cpu::store(c, acc[r]);
    } else {
      alignas(32) int32_t all[kPanel];
      cpu::store(all, acc[r]);
      std::memcpy(c, all, size_t(a.n - column) * 4);
    }
  });
}

// Fewer than R rows.
template <class Dot, int R>
void last_tile(const Args& a, int64_t m, int64_t rows, int column) {
  if constexpr (R > 1) {
    if (rows == R - 1) return tile<Dot, R - 1>(a, m, column);
    last_tile<Dot, R - 1>(a, m, rows, column);
  }
}

template <class Dot, int kRows>
void multiply(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int column = 0; column < a.n; column += kPanel) {
      int64_t m = begin;
      for (; m + kRows <= end; m += kRows) tile<Dot, kRows>(a, m, column);
      last_tile<Dot, kRows>(a, m, end - m, column);
    }
  });
}

}  // namespace
}  // namespace nibble::gemm_s8
