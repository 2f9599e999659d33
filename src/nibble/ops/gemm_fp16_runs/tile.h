// The kernel of cpu/dense.h for runs of halves. cpu_avx512_fp16.cpp brings registers of 32 halves
// and four operations on them, cpu_portable.cpp the same lane by lane: all else is tested where the
// instructions are missing. Private to this folder; compiled once per ISA.
//
// 12 rows by 2 panels are 24 registers of 32 halves; their float sums wait in 6 KiB of L1 from run
// to run: 32 steps of 24 fma to a fold of 48 conversions, 48 sums.
#pragma once
#include <cstring>

#include "nibble/cpu/dense.h"
#include "nibble/ops/gemm_fp16_runs/kernels.h"

namespace nibble::gemm_fp16_runs {
namespace {

static_assert(cpu::kStepsPerBlock % kRun == 0);  // no block ends within a run

// Ops::Halves, of one type throughout (casts within the loop make GCC 12 spill sums at every step);
// load(p), twice(pair): all lanes from a half that stands twice in 32 bits; fma(x, w, acc): acc =
// x w + acc, lane by lane; add(acc, to): to[32] += acc.
template <class Ops, int R, int P>
void runs_tile(const cpu::Tile<uint32_t, fp16>& t) {
  using Halves = typename Ops::Halves;
  static_assert(sizeof(Halves) == kDensePanel * sizeof(fp16));
  alignas(64) float total[R][P][kDensePanel] = {};
  const int64_t columns = t.columns < P * kDensePanel ? t.columns : P * kDensePanel;
  for (int r = 0; r < R && !t.begins; ++r)
    std::memcpy(total[r], t.y + r * t.ldy, size_t(columns) * sizeof(float));
  const uint32_t* a = t.a;
  const fp16* b = t.b;
  for (int64_t left = t.steps; left > 0; left -= kRun) {
    Halves acc[R][P];
#pragma GCC unroll 24
    for (int i = 0; i < R * P; ++i) acc[i / P][i % P] = Halves{};
    for (int64_t q = left < kRun ? left : kRun; q > 0; --q, a += R, b += kDensePanel) {
      Halves w[P];
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) {
        // A line serves few rows where memory binds: as in cpu/dense_avx512.h.
        if constexpr (R <= 8) __builtin_prefetch(b + p * t.panel + 4096 / P);
        w[p] = Ops::load(b + p * t.panel);
      }
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const Halves x = Ops::twice(a[r]);
#pragma GCC unroll 2
        for (int p = 0; p < P; ++p) Ops::fma(x, w[p], acc[r][p]);
      }
    }
    // Through memory: unrolled, this loop makes the compiler keep all totals in registers it lacks.
    Halves run[R * P];
#pragma GCC unroll 24
    for (int i = 0; i < R * P; ++i) run[i] = acc[i / P][i % P];
#pragma GCC unroll 1
    for (int i = 0; i < R * P; ++i) Ops::add(run[i], total[0][0] + i * kDensePanel);
  }
  for (int r = 0; r < R; ++r)
    std::memcpy(t.y + r * t.ldy, total[r], size_t(columns) * sizeof(float));
}

template <class Ops>
struct RunsKernel {
  using Activation = uint32_t;  // a half twice: 32-bit broadcasts need no shuffle
  static constexpr DensePanel kLayout = gemm_fp16_runs::kLayout;
  static constexpr int kParts = 1, kRows = 12;
  static constexpr int64_t kFewRows = kDenseRowsAtOnce;  // always two panels side by side
  static void parts(const fp16* x, int64_t, uint32_t* to, int64_t) {
    *to = x->bits | uint32_t(x->bits) << 16;
  }
  template <int R = 1>
  static void tile(const cpu::Tile<uint32_t, fp16>& t, int rows, int panels) {
    if (rows == R) return panels == 2 ? runs_tile<Ops, R, 2>(t) : runs_tile<Ops, R, 1>(t);
    if constexpr (R < kRows) tile<R + 1>(t, rows, panels);
  }
};

}  // namespace
}  // namespace nibble::gemm_fp16_runs
