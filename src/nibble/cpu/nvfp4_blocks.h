// Blocks of NVFP4 as quantisers write them, for files compiled once per ISA. Sixteen blocks at a
// time: their greatest magnitudes in the lanes of one vector, so that scales cost a sixteenth of
// what they would one by one.
#pragma once
#include <cstring>

#include "nibble/cpu/fetch.h"
#include "nibble/cpu/narrow16.h"
#include "nibble/numerics/nvfp4_recipe.h"

namespace nibble::cpu::nvfp4 {
namespace {

constexpr int kGroup = 16;  // blocks

constexpr bool is_ct(Nvfp4 m) { return m == Nvfp4::ct_f32 || m == Nvfp4::ct_bf16; }
constexpr bool is_torchao(Nvfp4 m) { return m == Nvfp4::torchao || m == Nvfp4::torchao_single; }
constexpr bool divides(Nvfp4 m) { return m == Nvfp4::modelopt || is_ct(m); }

struct Scales {
  I16 code;
  F16 factor;  // what elements are multiplied by, or divided
};

// nvfp4_scale() and the factor in nvfp4_element(), operation by operation, for finite amax and a
// tensor scale that is a positive float with a finite reciprocal.
template <Nvfp4 kMode>
[[gnu::always_inline]] inline Scales scales_of(F16 amax, Nvfp4Tensor t) {
  using namespace nvfp4_detail;
  const F16 encode = splat(t.encode), zero = splat(0.0f);
  const auto is_zero = equal(bits(amax), splat(0));
  F16 s = amax;
  if (kMode == Nvfp4::te) s = amax * splat(t.encode * kSixth);
  if (kMode == Nvfp4::vllm) s = encode * (amax * splat(kSixth));
  if (kMode == Nvfp4::modelopt) s = amax / splat(6 * t.encode);
  if (is_torchao(kMode)) s = amax / splat(6.0f) / encode;
  if (is_ct(kMode)) {
    F16 sixth = amax / splat(6.0f);
    if (kMode == Nvfp4::ct_bf16) sixth = floats(shift_left<16>(rounded_to_bf16(sixth)));
    s = encode * sixth;
  }
  if (kMode == Nvfp4::modelopt) {
    s = select(is_zero, zero, s);
    s = select(equal(bits(s), splat(0)), splat(1.0f), max(s, splat(0x1p-9f)));
  }
  if (is_torchao(kMode)) s = max(s, splat(0x1p-6f));
  const Narrowed n = narrow<7, 3>(min(bits(s), splat(int32_t(float_bits(448)))));
  I16 code = n.code;
  F16 v = n.value;
  if (is_ct(kMode)) {
    const auto none = equal(code, splat(0));
    code = select(none, splat(0x20), code), v = select(none, splat(0.125f), v);
  }
  const F16 one = splat(1.0f), back = splat(1 / t.encode);
  if (kMode == Nvfp4::te) return {code, min(one / (v * back), splat(kMaxFloat))};
  if (kMode == Nvfp4::vllm) return {code, select(equal(code, splat(0)), zero, one / (v * back))};
  if (kMode == Nvfp4::modelopt) return {code, v * encode};
  if (is_torchao(kMode)) return {code, back / v};
  return {code, v / encode};
}

// Factors come lifted (lift_of): products 2^3 times as large, quotients too.
constexpr float kLift = 1 << lift_of<1, 1, 4>();

// -0 becomes 0, but in torchao, by adding 0, which changes no other number; to the product only
// where it is a zero by underflow alone, for that keeps the sign of a sum that is exact.
template <Nvfp4 kMode>
[[gnu::always_inline]] inline F16 scaled(F16 x, F16 factor) {
  const F16 zero = splat(0.0f);
  if (is_torchao(kMode)) return x * factor;
  if (divides(kMode)) return (x + zero) / factor;
  return kMode == Nvfp4::vllm ? (x + zero) * factor : fma(x, factor, zero);
}

template <Nvfp4 kMode, bool kSaturates>
[[gnu::always_inline]] inline I16 codes_of(F16 x, F16 factor) {
  return with_sign<4>(lifted_code<1, 1, 4, kSaturates>(scaled<kMode>(x, factor), 6));
}

// Whether a lane is not finite, or its factor cannot be lifted. A block of zeros may have any.
template <Nvfp4 kMode>
[[gnu::always_inline]] inline bool is_odd(I16 amax, F16 factor) {
  const I16 f = bits(factor) & splat(0x7fffffff), least = splat(int32_t(float_bits(0x1p-100f)));
  const auto large = greater(f, splat(int32_t(float_bits(0x1p100f))));
  const I16 lost =
      divides(kMode) ? select(greater(least, f), least, splat(0)) : select(large, amax, splat(0));
  const I16 worst = max(amax, f);
  return any(greater(worst, splat(int32_t(kFloatInf) - 1))) || any(greater(lost, splat(0)));
}

struct alignas(64) Factors {
  float lifted[kGroup];
  bool saturates;  // an element may round past 6
};

// Writes the scales of sixteen blocks with those greatest magnitudes, as float bits. False, and
// nothing written, where a block is odd.
template <Nvfp4 kMode>
[[gnu::always_inline]] inline bool put_scales(I16 amax, Nvfp4Tensor t, e4m3* scales,
                                              Factors& factors) {
  const Scales s = scales_of<kMode>(floats(amax), t);
  if (is_odd<kMode>(amax, s.factor)) return false;
  store_u8(scales, s.code);
  const F16 lifted =
      divides(kMode) ? s.factor * splat(1 / kLift) : min(s.factor * splat(kLift), splat(0x1p127f));
  store(factors.lifted, lifted);
  // Below 7 all rounds to 6.
  const F16 most = scaled<kMode>(floats(amax), lifted);
  factors.saturates = any(less(splat(6.9f * kLift), most));
  return true;
}
// The greatest magnitudes of sixteen blocks, as float bits.
template <class T>
[[gnu::always_inline]] inline I16 amax_of_blocks(const T* x) {
  I16 m[kGroup];
#pragma GCC unroll 16
  for (int i = 0; i < kGroup; ++i) m[i] = magnitude(load(x + i * kNvfp4Block));
  return greatest_of_each(m);
}

template <Nvfp4 kMode, bool kSaturates, class T>
[[gnu::always_inline]] inline void put_codes_as(const T* x, const Factors& factors, e2m1x2* codes,
                                                int64_t ahead) {
  for (int half = 0; half < kGroup; half += 8) {
    fetch_ahead<8 * kNvfp4Block * sizeof(T)>(x + half * kNvfp4Block, ahead);
    I16 c[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i)
      c[i] = codes_of<kMode, kSaturates>(load(x + (half + i) * kNvfp4Block),
                                         splat(factors.lifted[half + i]));
    store_nibbles(codes + half * kNvfp4Block / 2, c);
  }
}
template <Nvfp4 kMode, class T>
[[gnu::always_inline]] inline void put_codes(const T* x, const Factors& factors, e2m1x2* codes,
                                             int64_t ahead) {
  if (factors.saturates) return put_codes_as<kMode, true>(x, factors, codes, ahead);
  put_codes_as<kMode, false>(x, factors, codes, ahead);
}

// `count` blocks that share a tensor scale. The scales of a group are made while the codes of the
// group before it are, so that no division is waited for. What lies `ahead` bytes behind x is asked
// for meanwhile; odd(begin, end) has to encode blocks that are not finite or whose scale is odd.
template <Nvfp4 kMode, class T, class Odd>
void blocks(const T* x, int64_t count, Nvfp4Tensor t, e2m1x2* codes, e4m3* scales, int64_t ahead,
            Odd&& odd) {
  Factors factors[2];
  const auto put = [&](int64_t b, Factors& f) {
    return b + kGroup <= count &&
           put_scales<kMode>(amax_of_blocks(x + b * kNvfp4Block), t, scales + b, f);
  };
  int64_t b = 0;
  bool even = put(b, factors[0]);
  int turn = 0;
  for (; b + kGroup <= count; b += kGroup, turn ^= 1) {
    const bool next = put(b + kGroup, factors[turn ^ 1]);
    if (even)
      put_codes<kMode>(x + b * kNvfp4Block, factors[turn], codes + b * kNvfp4Block / 2, ahead);
    else
      odd(b, b + kGroup);
    even = next;
  }
  if (b == count) return;
  const auto left = size_t(count - b);
  T part[kGroup * kNvfp4Block] = {};
  e2m1x2 some_codes[kGroup * kNvfp4Block / 2];
  e4m3 some[kGroup];
  std::memcpy(part, x + b * kNvfp4Block, left * kNvfp4Block * sizeof(T));
  if (!put_scales<kMode>(amax_of_blocks(part), t, some, factors[0])) return odd(b, count);
  put_codes<kMode>(part, factors[0], some_codes, ahead);
  std::memcpy(codes + b * kNvfp4Block / 2, some_codes, left * kNvfp4Block / 2);
  std::memcpy(scales + b, some, left);
}

// A tensor scale at which the sequences above are not all of it.
[[maybe_unused]] inline bool is_odd(Nvfp4Tensor t) {
  return !(t.encode > 0) || magnitude_bits(t.encode) >= kFloatInf ||
         magnitude_bits(1 / t.encode) >= kFloatInf;
}

}  // namespace
}  // namespace nibble::cpu::nvfp4
