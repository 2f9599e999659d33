// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/rank1_noise/kernels.h"

namespace nibble::rank1_noise {
namespace {

inline void row_of(const Args& a, int64_t r) {
  const int8_t* x = a.x + r * a.ldx;
  cpu::I16 total = cpu::splat(0);
  for (int k = 0; k < a.k; k += 16) total = total + cpu::signed_by(a.f[k / 16], cpu::load(x + k));
  const cpu::F16 product = cpu::splat(float(cpu::sum(total))) * cpu::splat(a.unit);
  alignas(64) int32_t steps[16];
  cpu::store(steps, cpu::round_clamped(product, -0x1p24f, 0x1p24f));
  a.step[r] = steps[0];
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row_of(a, r);
  });
}

}  // namespace
}  // namespace nibble::rank1_noise
