// For the tests of the ops of cpu/fp8_panels.h.
#pragma once
#include <cmath>
#include <vector>

#include "nibble/base/chosen.h"
#include "nibble/cpu/fp8_product_cases.h"

namespace nibble::cpu {

template <class Op>
bool fp8_refuses() {
  return !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 7}).ok() &&
         !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 3, .ldy = 8}).ok() &&
         !Op::check({.m = 0, .n = 8, .k = 4, .ldx = 4, .ldy = 8}).ok();
}

// Variants are held to the bits of a sum of floats in one order. That sum is held to one of
// doubles: a product takes part in at most k / 4 + 4 roundings.
template <class Op, class T>
bool fp8_order_is_near_exact(T (*element)(Random&)) {
  constexpr int k = 1000;
  Random rng(7);
  std::vector<uint8_t> w(size_t(kFp8Layout.bytes(1, k)));
  std::vector<T> x(k);
  double exact = 0, magnitude = 0;
  for (int i = 0; i < k; ++i) {
    x[size_t(i)] = element(rng);
    uint8_t& code = w[size_t(kFp8Layout.code_offset(0, i % 64) + i / 64 * kFp8Layout.tile_bytes())];
    code = finite_e4m3(rng);
    const double product = double(to_float(e4m3{code})) * to_float(x[size_t(i)]);
    exact += product, magnitude += std::abs(product);
  }
  float y = 0;
  typename Op::Args a{.m = 1, .n = 1, .k = k, .ldx = k, .ldy = 1};
  a.w_factors = Fp8Factors::none;
  if constexpr (requires { a.x_factors; }) a.x_factors = Fp8Factors::none;
  a.w = w.data(), a.x = x.data(), a.y = &y;
  Op::reference(a);
  return std::abs(y - exact) <= (k / 4.0 + 4) * 0x1p-24 * magnitude && y != 0;
}

template <class Op>
bool fp8_chooses() {
  const auto on = [](IsaSet isas, MicroArch uarch, int64_t m) {
    return chosen<Op>({.m = m, .n = 4096, .k = 4096}, isas, uarch);
  };
  constexpr IsaSet kBf16 = Isa::avx512 | Isa::vnni | Isa::bf16;
  constexpr auto kIntel = MicroArch::sapphire_rapids, kZen5 = MicroArch::zen5;
  const bool x86 = Op::variants().size() >= 4;
  return on(Isa::portable, kZen5, 1) == "portable" && (on(Isa::avx2, kZen5, 64) == "avx2") == x86 &&
         (on(Isa::avx512 | Isa::vnni, kZen5, 64) == "avx512_vbmi") == x86 &&
         (on(kBf16, kZen5, 64) == "avx512_bf16") == x86 &&
         (on(kBf16, kIntel, 64) == "avx512_vbmi") == x86;
}

}  // namespace nibble::cpu
