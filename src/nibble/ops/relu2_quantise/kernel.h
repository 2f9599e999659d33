// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/relu2_quantise/kernels.h"

namespace nibble::relu2_quantise {
namespace {

inline void row_of(const Args& a, int64_t r) {
  const cpu::F16 unit = cpu::splat(a.unit), most = cpu::splat(127.0f);
  const cpu::I16 step = cpu::splat(a.steps ? a.steps[r] : a.step), zero = cpu::splat(0);
  const uint16_t* noise = a.noise ? a.noise + r / a.share * (a.n / 16) : nullptr;
  for (int j = 0; j < a.n; j += 16) {
    cpu::I16 x = cpu::load(a.acc + r * a.n + j);
    if (noise) x = x + cpu::signed_by(noise[j / 16], step);
    const cpu::F16 u = cpu::to_float(cpu::max(x, zero)) * unit;
    cpu::store(a.h + r * a.n + j, cpu::round(cpu::min(u * u, most)));
  }
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row_of(a, r);
  });
}

}  // namespace
}  // namespace nibble::relu2_quantise
