// Compiled once per ISA.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/adam_ternary/kernels.h"

namespace nibble::adam_ternary {
namespace {

// 16 neighbours of a row; returns their shadows in units of a code.
inline cpu::F16 update(const Args& a, int64_t i) {
  cpu::F16 shadow = cpu::load(a.shadow + i);
  if (a.parts > 0) {
    cpu::I16 sum = cpu::splat(0);
    for (int p = 0; p < a.parts; ++p) {
      sum = sum + cpu::load(a.grad + p * a.part_stride + i);
      cpu::store(a.grad + p * a.part_stride + i, cpu::splat(0));
    }
    const cpu::F16 g = cpu::to_float(sum) * cpu::splat(a.unit);
    const cpu::F16 m = cpu::splat(a.beta1) * cpu::load(a.m + i) + cpu::splat(1 - a.beta1) * g;
    const cpu::F16 v = cpu::splat(a.beta2) * cpu::load(a.v + i) + (cpu::splat(1 - a.beta2) * g) * g;
    cpu::store(a.m + i, m), cpu::store(a.v + i, v);
    const cpu::F16 root = cpu::sqrt(v * cpu::splat(a.v_scale)) + cpu::splat(a.epsilon);
    shadow = shadow - (cpu::splat(a.rate) * m) / root;
    shadow = cpu::min(cpu::max(shadow, cpu::splat(-a.limit)), cpu::splat(a.limit));
    cpu::store(a.shadow + i, shadow);
  }
  return shadow * cpu::splat(a.code_scale);
}

// A panel of 16 columns: four rows of codes are the four bytes of its 32-bit lanes.
inline void panel(const Args& a, int64_t p) {
  int8_t* out = a.weight + p * gemm_s8::panel_bytes(a.k);
  cpu::I16 sums = cpu::splat(0);
  const cpu::I16 byte = cpu::splat(255);
  const float most = float(a.max_code);
  for (int k = 0; k < a.k; k += 4) {
    cpu::I16 c[4];
    for (int r = 0; r < 4; ++r) {
      const cpu::F16 codes = update(a, int64_t(k + r) * a.n + p * gemm_s8::kPanel);
      c[r] = cpu::round_clamped(codes, -most, most);
      sums = sums + c[r];
    }
    const cpu::I16 word = (c[0] & byte) | cpu::shift_left<8>(c[1] & byte) |
                          cpu::shift_left<16>(c[2] & byte) | cpu::shift_left<24>(c[3]);
    cpu::store(reinterpret_cast<int32_t*>(out + k * gemm_s8::kPanel), word);
  }
  cpu::store(
      reinterpret_cast<int32_t*>(a.weight + gemm_s8::sums_offset(a.n, a.k)) + p * gemm_s8::kPanel,
      cpu::shift_left<7>(sums));
}

// A panel of 16 columns in bf16: pairs of rows side by side.
inline void wide_panel(const Args& a, int64_t p) {
  static_assert(gemm_bf16_s8::kPanel == gemm_s8::kPanel);
  bf16* out = a.wide + p * gemm_s8::kPanel * a.k;
  for (int k = 0; k < a.k; k += 2, out += 2 * gemm_s8::kPanel) {
    alignas(64) float x[2][gemm_s8::kPanel];
    for (int r = 0; r < 2; ++r)
      cpu::store(x[r], update(a, int64_t(k + r) * a.n + p * gemm_s8::kPanel));
    for (int j = 0; j < gemm_s8::kPanel; ++j)
      for (int r = 0; r < 2; ++r) out[2 * j + r] = gemm_bf16_s8::weight_of(x[r][j]);
  }
}

inline void run(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.n / gemm_s8::kPanel, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) a.in_bf16 ? wide_panel(a, p) : panel(a, p);
  });
}

}  // namespace
}  // namespace nibble::adam_ternary
