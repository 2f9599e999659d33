// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/relu2_quantise/kernels.h"

namespace nibble::relu2_quantise {
namespace {

inline void rows_of(const Args& a, int64_t begin, int64_t end) {
  const cpu::F16 unit = cpu::splat(a.unit), most = cpu::splat(127.0f);
  const cpu::I16 step = cpu::splat(a.step), zero = cpu::splat(0);
  for (int64_t i = begin * a.n; i < end * a.n; i += 16) {
    cpu::I16 x = cpu::load(a.acc + i);
    if (a.noise) x = x + cpu::signed_by(a.noise[i / 16], step);
    const cpu::F16 u = cpu::to_float(cpu::max(x, zero)) * unit;
    cpu::store(a.h + i, cpu::round(cpu::min(u * u, most)));
  }
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) { rows_of(a, begin, end); });
}

}  // namespace
}  // namespace nibble::relu2_quantise
