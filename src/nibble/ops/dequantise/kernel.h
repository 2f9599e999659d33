// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/dequantise/kernels.h"

namespace nibble::dequantise {
namespace {

inline void row_of(const Args& a, int64_t r) {
  const cpu::F16 scale = cpu::splat(a.scale);
  const cpu::I16 step = cpu::splat(a.steps ? a.steps[r] : a.step);
  const bool noisy = a.noise && (r + a.phase) % a.every == 0;
  const uint16_t* noise = noisy ? a.noise + r / a.share * (a.n / 16) : nullptr;
  for (int j = 0; j < a.n; j += 16) {
    cpu::I16 x = cpu::load(a.acc + r * a.n + j);
    if (noisy) x = x + cpu::signed_by(noise[j / 16], step);
    cpu::store(a.y + r * a.n + j, cpu::to_float(x) * scale);
  }
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row_of(a, r);
  });
}

}  // namespace
}  // namespace nibble::dequantise
