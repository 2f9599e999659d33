#include <cstring>

#include "nibble/cpu/s8_tile_avx2.h"
#include "nibble/ops/gemm_s8/panels.h"

namespace nibble::gemm_s8 {
namespace {

constexpr int kRows = 4;

template <int R>
void tile(const Args& a, int64_t m, int column) {
  cpu::I16 acc[R];
  cpu::s8_tile(panels(a, column), cpu::S8Strided{a.a + m * a.lda, a.lda}, acc);
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

}  // namespace

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int column = 0; column < a.n; column += kPanel) {
      int64_t m = begin;
      for (; m + kRows <= end; m += kRows) tile<kRows>(a, m, column);
      for (; m < end; ++m) tile<1>(a, m, column);
    }
  });
}

}  // namespace nibble::gemm_s8
