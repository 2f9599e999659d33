// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/dequantise/kernels.h"

namespace nibble::dequantise {
namespace {

inline void row_of(const Args& a, int64_t r) {
  const cpu::F16 scale = cpu::splat(a.scale);
  const cpu::I16 step = cpu::splat(a.step);
  const bool noisy = a.noise && (r + a.phase) % a.every == 0;
  for (int64_t i = r * a.n; i < (r + 1) * a.n; i += 16) {
    cpu::I16 x = cpu::load(a.acc + i);
    if (noisy) x = x + cpu::signed_by(a.noise[i / 16], step);
    cpu::store(a.y + i, cpu::to_float(x) * scale);
  }
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row_of(a, r);
  });
}

}  // namespace
}  // namespace nibble::dequantise
