// The ops of cpu/fp8_panels.h: what is asked of their arguments, and what they compute, number by
// number. Activations that have factors of their own have x_factors and x_scale in Args.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "nibble/cpu/fp8_panels.h"
#include "nibble/cpu/groups.h"
#include "nibble/numerics/grouped_contract.h"

namespace nibble::cpu {

template <class Args>
Fp8Factors fp8_x_factors(const Args& a) {
  if constexpr (requires { a.x_factors; }) return a.x_factors;
  return Fp8Factors::none;
}

// A bf16 below 2^-100 counts as 0.
inline float fp8_bf16_number(bf16 x) {
  const float v = to_float(x);
  return std::abs(v) < 0x1p-100f ? 0.0f : v;
}

template <class Op>
Status fp8_check(const typename Op::Args& a) {
  const auto error = [](const std::string& why) {
    return Status::error(std::string(Op::name) + ": " + why);
  };
  const auto number = [](int64_t v) { return std::to_string(v); };
  if constexpr (Grouped<typename Op::Args>)
    if (Status s = grouped_check(std::string(Op::name), kFp8Layout, a); !s.ok()) return s;
  if (a.m < 1 || a.n < 1 || a.k < 1)
    return error("m, n and k must be positive, got " + number(a.m) + ", " + number(a.n) + " and " +
                 number(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return error("ldx must be at least k=" + number(a.k) + " and ldy at least n=" + number(a.n) +
                 ", got " + number(a.ldx) + " and " + number(a.ldy));
  if (!a.w || !a.x || !a.y || !a.scratch) return error("w, x, y and scratch must not be null");
  if ((a.w_scale == nullptr) != (a.w_factors == Fp8Factors::none))
    return error("w_scale must be there unless w_factors is none");
  if constexpr (requires { a.x_scale; })
    if ((a.x_scale == nullptr) != (a.x_factors == Fp8Factors::none))
      return error("x_scale must be there unless x_factors is none");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0 ||
      reinterpret_cast<uintptr_t>(a.scratch) % 64 != 0)
    return error("w and scratch must be aligned to 64 bytes");
  return {};
}

template <class Args>
void fp8_buffers(Args& a, BufferVisitor& v) {
  int64_t factors = fp8_factors(a.w_factors, a.n, kFp8Block, a.k);
  int64_t scratch = fp8_scratch_bytes(a.m, a.k);
  if constexpr (Grouped<Args>) {
    grouped_buffers(kFp8Layout, a, v);
    factors *= a.groups, scratch = a.m * fp8_row_bytes(a.k);
  } else {
    v.in("w", a.w, kFp8Layout.bytes(a.n, a.k), 64);
  }
  v.in("w_scale", a.w_scale, factors);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  if constexpr (requires { a.x_scale; })
    v.in("x_scale", a.x_scale, fp8_factors(a.x_factors, a.m, 1, a.k));
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("scratch", a.scratch, scratch, 64);
}

// Of columns [begin, end), begin a multiple of 8: products are exact, sums are rounded.
inline float fp8_block_sum(const float* w, const float* x, int64_t begin, int64_t end) {
  float p[2][2] = {};
  for (int64_t k = begin; k < end; k += 2) {
    float& sum = p[k / 4 % 2][k / 2 % 2];
    sum = sum + w[k + 1] * x[k + 1];
    sum = sum + w[k] * x[k];
  }
  return (p[0][0] + p[1][0]) + (p[0][1] + p[1][1]);
}

// `activation` says what number an element of x is: a second opinion on fp8_activation().
template <class Args, class T>
void fp8_reference(const Args& a, float (*activation)(T)) {
  const int64_t padded = (a.k + 1) / 2 * 2, blocks = fp8_blocks(a.k);
  const Fp8Factors x_factors = fp8_x_factors(a);
  const bool of_tiles = a.w_factors == Fp8Factors::blocks, of_x = x_factors == Fp8Factors::blocks;
  const int64_t block = of_tiles || of_x ? kFp8Block : padded;
  std::vector<float> w(static_cast<size_t>(padded)), x(static_cast<size_t>(a.m * padded));
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) x[size_t(i * padded + k)] = activation(a.x[i * a.ldx + k]);
  for (int64_t j = 0; j < a.n; ++j) {
    const uint8_t* panel = a.w + j / kFp8Layout.rows * kFp8Layout.panel_bytes(a.k);
    for (int k = 0; k < a.k; ++k)
      w[size_t(k)] = to_float(
          e4m3{panel[k / kFp8Layout.tile_k() * kFp8Layout.tile_bytes() +
                     kFp8Layout.code_offset(int(j % kFp8Layout.rows), k % kFp8Layout.tile_k())]});
    for (int64_t i = 0; i < a.m; ++i) {
      float total = 0;
      for (int64_t k = 0; k < padded; k += block) {
        float factor = of_tiles ? a.w_scale[j / kFp8Block * blocks + k / kFp8Block] : 1.0f;
        if constexpr (requires { a.x_scale; })
          if (of_x) factor *= a.x_scale[i * blocks + k / kFp8Block];
        total = std::fma(
            fp8_block_sum(w.data(), &x[size_t(i * padded)], k, std::min(k + block, padded)), factor,
            total);
      }
      float y = total;
      if (a.w_factors == Fp8Factors::rows) y *= a.w_scale[j];
      if constexpr (requires { a.x_scale; })
        if (x_factors == Fp8Factors::rows) y *= a.x_scale[i];
      a.y[i * a.ldy + j] = std::isnan(y) ? bit_cast<float>(0x7fc00000u) : y;
    }
  }
}

}  // namespace nibble::cpu
