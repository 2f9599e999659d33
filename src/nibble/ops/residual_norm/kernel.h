// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/residual_norm/kernels.h"

namespace nibble::residual_norm {
namespace {

// |increment| <= 254 reaches every residual from every other, so clamping it there loses nothing.
inline int32_t add_row(const Args& a, int64_t r) {
  const int64_t row = r * a.n;
  const cpu::F16 scale = cpu::splat(a.scale);
  const cpu::I16 step = cpu::splat(a.steps ? a.steps[r] : a.step);
  const uint16_t* noise = a.noise ? a.noise + r / a.share * (a.n / 16) : nullptr;
  cpu::I16 sum = cpu::splat(0);
  for (int64_t i = row; i < row + a.n; i += 16) {
    cpu::I16 more = cpu::load(a.acc + i);
    if (noise) more = more + cpu::signed_by(noise[(i - row) / 16], step);
    const cpu::I16 codes = cpu::round_clamped(cpu::to_float(more) * scale, -254.0f, 254.0f);
    const cpu::I16 x = cpu::clamp(cpu::load(a.x + i) + codes, -127, 127);
    cpu::store(a.x_out + i, x);
    sum = sum + cpu::abs(x);
  }
  return cpu::sum(sum);
}

inline void norm_row(const Args& a, const int8_t* x, int8_t* y, int32_t sum) {
  const cpu::F16 factor = cpu::splat((a.mean_code * float(a.n)) / float(sum > a.n ? sum : a.n));
  for (int j = 0; j < a.n; j += 16)
    cpu::store(y + j,
               cpu::round_clamped(cpu::to_float(cpu::load(x + j)) * factor, -127.0f, 127.0f));
}

inline int32_t magnitude(const int8_t* x, int n) {
  cpu::I16 sum = cpu::splat(0);
  for (int j = 0; j < n; j += 16) sum = sum + cpu::abs(cpu::load(x + j));
  return cpu::sum(sum);
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t row = r * a.n;
      const int32_t sum = a.acc ? add_row(a, r) : magnitude(a.x + row, a.n);
      if (a.y) norm_row(a, (a.acc ? a.x_out : a.x) + row, a.y + row, sum);
    }
  });
}

}  // namespace
}  // namespace nibble::residual_norm
