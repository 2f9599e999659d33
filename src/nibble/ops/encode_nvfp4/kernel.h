// Compiled once per ISA. Sixteen blocks at a time: their greatest magnitudes in the lanes of one
// vector, so that scales cost a sixteenth of what they would one by one.
#pragma once
#include <cstring>

#include "nibble/cpu/fetch.h"
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/encode_nvfp4/kernels.h"
#include "nibble/ops/encode_nvfp4/search.h"

namespace nibble::encode_nvfp4 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

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
  const auto is_zero = cpu::equal(cpu::bits(amax), splat(0));
  F16 s = amax;
  if (kMode == Nvfp4::te) s = amax * splat(t.encode * kSixth);
  if (kMode == Nvfp4::vllm) s = encode * (amax * splat(kSixth));
  if (kMode == Nvfp4::modelopt) s = amax / splat(6 * t.encode);
  if (is_torchao(kMode)) s = amax / splat(6.0f) / encode;
  if (is_ct(kMode)) {
    F16 sixth = amax / splat(6.0f);
    if (kMode == Nvfp4::ct_bf16)
      sixth = cpu::floats(cpu::shift_left<16>(cpu::rounded_to_bf16(sixth)));
    s = encode * sixth;
  }
  if (kMode == Nvfp4::modelopt) {
    s = cpu::select(is_zero, zero, s);
    s = cpu::select(cpu::equal(cpu::bits(s), splat(0)), splat(1.0f), cpu::max(s, splat(0x1p-9f)));
  }
  if (is_torchao(kMode)) s = cpu::max(s, splat(0x1p-6f));
  const cpu::Narrowed n =
      cpu::narrow<7, 3>(cpu::min(cpu::bits(s), splat(int32_t(float_bits(448)))));
  I16 code = n.code;
  F16 v = n.value;
  if (is_ct(kMode)) {
    const auto none = cpu::equal(code, splat(0));
    code = cpu::select(none, splat(0x20), code), v = cpu::select(none, splat(0.125f), v);
  }
  const F16 one = splat(1.0f), back = splat(1 / t.encode);
  if (kMode == Nvfp4::te) return {code, cpu::min(one / (v * back), splat(kMaxFloat))};
  if (kMode == Nvfp4::vllm)
    return {code, cpu::select(cpu::equal(code, splat(0)), zero, one / (v * back))};
  if (kMode == Nvfp4::modelopt) return {code, v * encode};
  if (is_torchao(kMode)) return {code, back / v};
  return {code, v / encode};
}

// Factors come lifted (cpu::lift_of): products 2^3 times as large, quotients too.
constexpr float kLift = 1 << cpu::lift_of<1, 1, 4>();

// -0 becomes 0, but in torchao, by adding 0, which changes no other number; to the product only
// where it is a zero by underflow alone, for that keeps the sign of a sum that is exact.
template <Nvfp4 kMode>
[[gnu::always_inline]] inline F16 scaled(F16 x, F16 factor) {
  const F16 zero = splat(0.0f);
  if (is_torchao(kMode)) return x * factor;
  if (divides(kMode)) return (x + zero) / factor;
  return kMode == Nvfp4::vllm ? (x + zero) * factor : cpu::fma(x, factor, zero);
}

template <Nvfp4 kMode, bool kSaturates>
[[gnu::always_inline]] inline I16 codes_of(F16 x, F16 factor) {
  return cpu::with_sign<4>(cpu::lifted_code<1, 1, 4, kSaturates>(scaled<kMode>(x, factor), 6));
}

// Whether a lane is not finite, or its factor cannot be lifted. A block of zeros may have any.
template <Nvfp4 kMode>
[[gnu::always_inline]] inline bool is_odd(I16 amax, F16 factor) {
  const I16 f = cpu::bits(factor) & splat(0x7fffffff),
            least = splat(int32_t(float_bits(0x1p-100f)));
  const auto large = cpu::greater(f, splat(int32_t(float_bits(0x1p100f))));
  const I16 lost = divides(kMode) ? cpu::select(cpu::greater(least, f), least, splat(0))
                                  : cpu::select(large, amax, splat(0));
  const I16 worst = cpu::max(amax, f);
  return cpu::any(cpu::greater(worst, splat(int32_t(kFloatInf) - 1))) ||
         cpu::any(cpu::greater(lost, splat(0)));
}

struct alignas(64) Factors {
  float lifted[kGroup];
  bool saturates;  // an element may round past 6
};

// Writes the scales of sixteen blocks. False, and nothing written, where a block is odd.
template <Nvfp4 kMode, class T>
[[gnu::always_inline]] inline bool put_scales(const T* x, Nvfp4Tensor t, e4m3* scales,
                                              Factors& factors) {
  I16 m[kGroup];
#pragma GCC unroll 16
  for (int i = 0; i < kGroup; ++i) m[i] = cpu::magnitude(cpu::load(x + i * kNvfp4Block));
  const I16 amax = cpu::greatest_of_each(m);
  const Scales s = scales_of<kMode>(cpu::floats(amax), t);
  if (is_odd<kMode>(amax, s.factor)) return false;
  cpu::store_u8(scales, s.code);
  const F16 lifted = divides(kMode) ? s.factor * splat(1 / kLift)
                                    : cpu::min(s.factor * splat(kLift), splat(0x1p127f));
  cpu::store(factors.lifted, lifted);
  // Below 7 all rounds to 6.
  const F16 most = scaled<kMode>(cpu::floats(amax), lifted);
  factors.saturates = cpu::any(cpu::less(splat(6.9f * kLift), most));
  return true;
}

template <Nvfp4 kMode, bool kSaturates, class T>
[[gnu::always_inline]] inline void put_codes_as(const T* x, const Factors& factors, e2m1x2* codes) {
  for (int half = 0; half < kGroup; half += 8) {
    cpu::fetch_ahead<8 * kNvfp4Block * sizeof(T)>(x + half * kNvfp4Block);
    I16 c[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i)
      c[i] = codes_of<kMode, kSaturates>(cpu::load(x + (half + i) * kNvfp4Block),
                                         splat(factors.lifted[half + i]));
    cpu::store_nibbles(codes + half * kNvfp4Block / 2, c);
  }
}
template <Nvfp4 kMode, class T>
[[gnu::always_inline]] inline void put_codes(const T* x, const Factors& factors, e2m1x2* codes) {
  if (factors.saturates) return put_codes_as<kMode, true>(x, factors, codes);
  put_codes_as<kMode, false>(x, factors, codes);
}

// Blocks begin..end of the matrix, which share a tensor scale. The scales of a group are made while
// the codes of the group before it are, so that no division is waited for.
template <Nvfp4 kMode, class T>
void blocks(const Args& a, int64_t begin, int64_t end, Nvfp4Tensor t) {
  const auto* x = static_cast<const T*>(a.x.data);
  Factors factors[2];
  const auto scales = [&](int64_t b, Factors& f) {
    return b + kGroup <= end && put_scales<kMode>(x + b * kNvfp4Block, t, a.scales + b, f);
  };
  int64_t b = begin;
  bool even = scales(b, factors[0]);
  int turn = 0;
  for (; b + kGroup <= end; b += kGroup, turn ^= 1) {
    const bool next = scales(b + kGroup, factors[turn ^ 1]);
    if (even)
      put_codes<kMode>(x + b * kNvfp4Block, factors[turn], a.codes + b * kNvfp4Block / 2);
    else
      encode_blocks(a, b, b + kGroup);
    even = next;
  }
  if (b == end) return;
  const size_t count = size_t(end - b);
  T part[kGroup * kNvfp4Block] = {};
  e2m1x2 codes[kGroup * kNvfp4Block / 2];
  e4m3 some[kGroup];
  std::memcpy(part, x + b * kNvfp4Block, count * kNvfp4Block * sizeof(T));
  if (!put_scales<kMode>(part, t, some, factors[0])) return encode_blocks(a, b, end);
  put_codes<kMode>(part, factors[0], codes);
  std::memcpy(a.codes + b * kNvfp4Block / 2, codes, count * kNvfp4Block / 2);
  std::memcpy(a.scales + b, some, count);
}

// A tensor scale at which the sequences above are not all of it.
inline bool is_odd(Nvfp4Tensor t) {
  return !(t.encode > 0) || magnitude_bits(t.encode) >= kFloatInf ||
         magnitude_bits(1 / t.encode) >= kFloatInf;
}

template <Nvfp4 kMode, class T>
void run_as(const Args& a, const Exec& e) {
  const int64_t row = a.cols / kNvfp4Block;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    const int64_t step = a.per_row ? 1 : end - begin;
    for (int64_t r = begin; r < end; r += step) {
      const Nvfp4Tensor t = nvfp4_tensor(kMode, a.amax[a.per_row ? r : 0]);
      if (is_odd(t))
        encode_blocks(a, r * row, (r + step) * row);
      else
        blocks<kMode, T>(a, r * row, (r + step) * row, t);
    }
  });
}

template <Nvfp4 kMode>
void run_by_type(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<kMode, bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<kMode, fp16>(a, e);
  run_as<kMode, float>(a, e);
}

// Blocks begin..end, which share an amax, by a recipe that searches.
template <class T>
void search(const Args& a, int64_t begin, int64_t end, float amax) {
  const auto* x = static_cast<const T*>(a.x.data);
  const FourOverSix f = four_over_six_of(a.recipe, amax);
  const auto encode = [&](const T* from, e2m1x2* codes, e4m3* scales) {
    return a.recipe.four_over_six ? search_scales(f, from, codes, scales)
                                  : search_elements(from, codes, scales);
  };
  const float s = nvfp4_detail::four_over_six_encode(f);
  const bool odd = a.recipe.four_over_six && (!(amax >= 0) || magnitude_bits(amax) >= kFloatInf ||
                                              magnitude_bits(s) >= kFloatInf);
  if (odd) return encode_blocks(a, begin, end);
  for (int64_t b = begin; b < end; b += kGroup) {
    if (b + kGroup <= end) {
      if (!encode(x + b * kNvfp4Block, a.codes + b * kNvfp4Block / 2, a.scales + b))
        encode_blocks(a, b, b + kGroup);
      continue;
    }
    const size_t count = size_t(end - b);
    T part[kGroup * kNvfp4Block] = {};
    e2m1x2 codes[kGroup * kNvfp4Block / 2];
    e4m3 scales[kGroup];
    std::memcpy(part, x + b * kNvfp4Block, count * kNvfp4Block * sizeof(T));
    if (!encode(part, codes, scales)) return encode_blocks(a, b, end);
    std::memcpy(a.codes + b * kNvfp4Block / 2, codes, count * kNvfp4Block / 2);
    std::memcpy(a.scales + b, scales, count);
  }
}

template <class T>
void run_search(const Args& a, const Exec& e) {
  const int64_t row = a.cols / kNvfp4Block;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    const int64_t step = a.per_row ? 1 : end - begin;
    for (int64_t r = begin; r < end; r += step)
      search<T>(a, r * row, (r + step) * row, a.amax[a.per_row ? r : 0]);
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.recipe.four_over_six || a.recipe.mode == Nvfp4::ggml) {
    if (a.x.type == DType::bf16) return run_search<bf16>(a, e);
    if (a.x.type == DType::fp16) return run_search<fp16>(a, e);
    return run_search<float>(a, e);
  }
  switch (a.recipe.mode) {
    case Nvfp4::te:
      return run_by_type<Nvfp4::te>(a, e);
    case Nvfp4::vllm:
      return run_by_type<Nvfp4::vllm>(a, e);
    case Nvfp4::modelopt:
      return run_by_type<Nvfp4::modelopt>(a, e);
    case Nvfp4::torchao:
      return run_by_type<Nvfp4::torchao>(a, e);
    case Nvfp4::torchao_single:
      return run_by_type<Nvfp4::torchao_single>(a, e);
    case Nvfp4::ct_f32:
      return run_by_type<Nvfp4::ct_f32>(a, e);
    case Nvfp4::ct_bf16:
      return run_by_type<Nvfp4::ct_bf16>(a, e);
    case Nvfp4::ggml:
      return;  // above
  }
}

}  // namespace
}  // namespace nibble::encode_nvfp4
