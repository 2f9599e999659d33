// Compiled once per ISA. Sixteen blocks at a time, their greatest magnitudes in the lanes of one
// vector.
#pragma once
#include <cstring>

#include "nibble/cpu/fetch.h"
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/encode_mx/kernels.h"

namespace nibble::encode_mx {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

constexpr int kGroup = 16;  // blocks

// mx_scale() of finite magnitudes, as float bits; 0 or 1 where it is one of these, but for 0.
template <class Element>
[[gnu::always_inline]] inline I16 scales_of(MxScale rule, I16 amax) {
  using E = MxElement<Element>;
  if (rule == MxScale::rceil) {
    const I16 u = cpu::bits(cpu::floats(amax) / splat(E::largest));
    const auto above = cpu::greater(u & splat(0x7fffff), splat(0));
    return cpu::shift_right<23>(u) + cpu::select(above, splat(1), splat(0));
  }
  I16 u = amax;
  if (rule == MxScale::ceil) u = u + splat(0x7fffff);
  if (rule == MxScale::even) u = u + splat(1 << (22 - E::fraction_bits));
  return cpu::max(cpu::shift_right<23>(u) - splat(E::exponent), splat(0));
}

template <class Element>
constexpr int kLift = cpu::lift_of<MxElement<Element>::bias, MxElement<Element>::fraction_bits,
                                   MxElement<Element>::bits>();

// `factor` is 2^(127 - scale + kLift). The product is exact, or so small that the code is 0.
template <class Element, bool kSaturates>
[[gnu::always_inline]] inline I16 codes_of(F16 x, F16 factor) {
  using E = MxElement<Element>;
  return cpu::with_sign<E::bits>(
      cpu::lifted_code<E::bias, E::fraction_bits, E::bits, kSaturates>(x * factor, E::largest));
}

struct alignas(64) Factors {
  float lifted[kGroup];
};

// Writes the scales of sixteen blocks. False, and nothing written, where a block is not finite or
// so small that its factor overflows.
template <class Element, class T>
[[gnu::always_inline]] inline bool put_scales(MxScale rule, const T* x, ue8m0* scales,
                                              Factors& factors) {
  I16 m[kGroup];
#pragma GCC unroll 16
  for (int i = 0; i < kGroup; ++i)
    m[i] = cpu::max(cpu::magnitude(cpu::load(x + i * kMxBlock)),
                    cpu::magnitude(cpu::load(x + i * kMxBlock + 16)));
  const I16 amax = cpu::greatest_of_each(m);
  if (cpu::any(cpu::greater(amax, splat(int32_t(kFloatInf) - 1)))) return false;
  const I16 scale = scales_of<Element>(rule, amax);
  static_assert(kLift<Element> >= 2);  // which scales of 0 and 1 are below
  // A factor of zeros is anything but infinite.
  const I16 exponent = cpu::min(splat(254 + kLift<Element>) - scale, splat(254));
  const auto low = cpu::greater(splat(kLift<Element>), scale);
  if (cpu::any(cpu::greater(cpu::select(low, amax, splat(0)), splat(0)))) return false;
  cpu::store_u8(scales, scale);
  cpu::store(factors.lifted, cpu::floats(cpu::shift_left<23>(exponent)));
  return true;
}

template <class Element, bool kSaturates, class T>
[[gnu::always_inline]] inline void put_codes(const T* x, const Factors& factors, uint8_t* codes) {
  constexpr int at_once = MxElement<Element>::bits == 4 ? 8 : 4;  // vectors
  for (int v = 0; v < 2 * kGroup; v += at_once) {
    cpu::fetch_ahead<at_once * 16 * sizeof(T)>(x + v * 16);
    I16 c[at_once];
#pragma GCC unroll 8
    for (int i = 0; i < at_once; ++i)
      c[i] = codes_of<Element, kSaturates>(cpu::load(x + (v + i) * 16),
                                           splat(factors.lifted[(v + i) / 2]));
    if constexpr (MxElement<Element>::bits == 4)
      cpu::store_nibbles(codes + v * 8, c);
    else
      cpu::store_bytes(codes + v * 16, c);
  }
}

// The scales of a group are made while the codes of the group before it are, so that no division is
// waited for.
template <class Element, bool kSaturates, class T>
void blocks(const Args& a, int64_t begin, int64_t end) {
  constexpr int block_bytes = kMxBlock * MxElement<Element>::bits / 8;
  const auto* x = static_cast<const T*>(a.x.data);
  Factors factors[2];
  const auto scales = [&](int64_t b, Factors& f) {
    return b + kGroup <= end && put_scales<Element>(a.rule, x + b * kMxBlock, a.scales + b, f);
  };
  int64_t b = begin;
  bool even = scales(b, factors[0]);
  int turn = 0;
  for (; b + kGroup <= end; b += kGroup, turn ^= 1) {
    const bool next = scales(b + kGroup, factors[turn ^ 1]);
    if (even)
      put_codes<Element, kSaturates>(x + b * kMxBlock, factors[turn], a.codes + b * block_bytes);
    else
      encode_blocks(a, b, b + kGroup);
    even = next;
  }
  if (b == end) return;
  const size_t count = size_t(end - b);
  T part[kGroup * kMxBlock] = {};
  uint8_t codes[kGroup * block_bytes];
  ue8m0 some[kGroup];
  std::memcpy(part, x + b * kMxBlock, count * kMxBlock * sizeof(T));
  if (!put_scales<Element>(a.rule, part, some, factors[0])) return encode_blocks(a, b, end);
  put_codes<Element, kSaturates>(part, factors[0], codes);
  std::memcpy(a.codes + b * block_bytes, codes, count * block_bytes);
  std::memcpy(a.scales + b, some, count);
}

template <class Element, class T>
void run_as(const Args& a, const Exec& e) {
  const int64_t row = a.cols / kMxBlock;
  // The others make amax the largest element at most.
  const bool saturates = a.rule == MxScale::floor || a.rule == MxScale::even;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    if (saturates) return blocks<Element, true, T>(a, begin * row, end * row);
    blocks<Element, false, T>(a, begin * row, end * row);
  });
}

template <class Element>
void run_by_type(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<Element, bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<Element, fp16>(a, e);
  run_as<Element, float>(a, e);
}

inline void run(const Args& a, const Exec& e) {
  if (a.format == MxFormat::e2m1) return run_by_type<e2m1>(a, e);
  if (a.format == MxFormat::e4m3) return run_by_type<e4m3>(a, e);
  run_by_type<e5m2>(a, e);
}

}  // namespace
}  // namespace nibble::encode_mx
