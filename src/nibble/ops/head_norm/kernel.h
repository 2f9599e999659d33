// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/head_norm/kernels.h"

namespace nibble::head_norm {
namespace {

inline void norm_head(const Args& a, int64_t h) {
  const float* x = a.x + h * a.head_dim;
  cpu::F16 total = cpu::splat(0.0f);
  for (int d = 0; d < a.head_dim; d += 16) total = total + cpu::abs(cpu::load(x + d));
  const float sum = cpu::sum(total), least = a.floor * float(a.head_dim);
  const cpu::F16 factor =
      cpu::splat((a.mean_code * float(a.head_dim)) / (sum < least ? least : sum));
  for (int d = 0; d < a.head_dim; d += 16)
    cpu::store(a.y + h * a.head_dim + d,
               cpu::round_clamped(cpu::load(x + d) * factor, -127.0f, 127.0f));
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows * a.heads, 256, [&](int64_t begin, int64_t end) {
    for (int64_t h = begin; h < end; ++h) norm_head(a, h);
  });
}

}  // namespace
}  // namespace nibble::head_norm
