// Compiled once per ISA: recipes that try scales or elements. Sixteen blocks at a time, one in each
// lane, so that a block's errors are summed in the order of its elements.
#pragma once
#include <cstring>

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/encode_nvfp4/kernels.h"

namespace nibble::encode_nvfp4 {
namespace {

// Magnitudes and signs (bit 31) of the elements, by their place in the block.
struct Columns {
  cpu::F16 magnitude[kNvfp4Block];
  cpu::I16 sign[kNvfp4Block];
  cpu::I16 amax;  // as float bits
};

template <class T>
[[gnu::always_inline]] inline Columns columns_of(const T* x) {
  using namespace cpu;
  alignas(64) float turned[16][16], row[16];
  I16 m[16];
  for (int b = 0; b < 16; ++b) {
    const F16 v = load(x + b * kNvfp4Block);
    m[b] = magnitude(v);
    store(row, v);
    for (int i = 0; i < kNvfp4Block; ++i) turned[i][b] = row[i];
  }
  Columns c;
  c.amax = greatest_of_each(m);
  for (int i = 0; i < kNvfp4Block; ++i) {
    const F16 v = load(turned[i]);
    c.magnitude[i] = floats(magnitude(v));
    c.sign[i] = select(less(v, splat(0.0f)), splat(8), splat(0));
  }
  return c;
}

struct Candidate {
  cpu::I16 scale, code[kNvfp4Block];  // codes without sign
  cpu::F16 error;
};

// candidate() of numerics/four_over_six.h, operation by operation, on magnitudes: the differences
// of a negative element are those of the positive one, negated.
[[gnu::always_inline]] inline void try_scale(const FourOverSix& f, const Columns& x, float stretch,
                                             Candidate& c) {
  using namespace cpu;
  using namespace nvfp4_detail;
  const bool authors = f.sequence == FourOverSixSequence::authors;
  const float s = four_over_six_encode(f);
  const F16 one = splat(1.0f), zero = splat(0.0f), whole = splat(6 * f.greatest_scale);
  const F16 ideal = floats(x.amax) / splat(6.0f) * splat(s) * splat(stretch);
  const Narrowed n = narrow<7, 3>(min(bits(ideal), splat(int32_t(float_bits(448)))));
  c.scale = n.code;
  const F16 factor = authors ? one / (splat(1 / s) * n.value)
                             : min(one / (n.value * splat(1 / s)), splat(kMaxFloat));
  const auto none = equal(n.code, splat(0));
  const I16 most = splat(int32_t(float_bits(authors ? 8.0f : 6.0f)));
  F16 distance[kNvfp4Block];
  for (int i = 0; i < kNvfp4Block; ++i) {
    const F16 m = x.magnitude[i];
    Narrowed e = narrow<1, 1>(min(bits(m * factor), most));
    const auto nothing = equal(bits(m), splat(0));
    e = {select(nothing, splat(0), e.code), select(nothing, zero, e.value)};
    if (authors) e = {select(none, splat(0), e.code), select(none, zero, e.value)};
    c.code[i] = e.code;
    const F16 d = e.value * n.value * splat(f.amax) / whole - m;
    distance[i] = f.error == FourOverSixError::mse ? d * d : floats(magnitude(d));
  }
  c.error = zero;
  if (f.error == FourOverSixError::abs_max) {
    for (const F16& d : distance) c.error = max(c.error, d);
  } else if (authors) {
    for (int i = 0; i < kNvfp4Block / 2; ++i)
      c.error = c.error + (distance[i] + distance[i + kNvfp4Block / 2]);
  } else {
    for (const F16& d : distance) c.error = c.error + d;
  }
}

// The codes of sixteen blocks, by place and lane, as bytes.
[[gnu::always_inline]] inline void put_turned(const cpu::I16* code, e2m1x2* to) {
  using namespace cpu;
  alignas(64) int32_t word[2][16];
  for (int half = 0; half < 2; ++half, code += 8) {
    const I16 w = code[0] | shift_left<4>(code[1]) | shift_left<8>(code[2]) |
                  shift_left<12>(code[3]) | shift_left<16>(code[4]) | shift_left<20>(code[5]) |
                  shift_left<24>(code[6]) | shift_left<28>(code[7]);
    store(word[half], w);
  }
  for (int b = 0; b < 16; ++b) {
    std::memcpy(static_cast<void*>(to + b * 8), &word[0][b], 4);
    std::memcpy(static_cast<void*>(to + b * 8 + 4), &word[1][b], 4);
  }
}

// False, and nothing written, where a block is not finite.
template <class T>
[[gnu::always_inline]] inline bool search_scales(const FourOverSix& f, const T* x, e2m1x2* codes,
                                                 e4m3* scales) {
  using namespace cpu;
  const Columns c = columns_of(x);
  if (any(greater(c.amax, splat(int32_t(kFloatInf) - 1)))) return false;
  Candidate six, four;
  try_scale(f, c, 1, six);
  try_scale(f, c, 1.5f, four);
  const bool map6 = f.error == FourOverSixError::map6;
  const auto smaller = less(map6 ? six.error : four.error, six.error);
  const I16 scale = select(smaller, four.scale, six.scale);
  // The authors' zero scale has codes without sign.
  const bool authors = f.sequence == FourOverSixSequence::authors;
  const I16 keep = select(equal(scale, splat(authors ? 0 : -1)), splat(0), splat(8));
  I16 code[kNvfp4Block];
  for (int i = 0; i < kNvfp4Block; ++i)
    code[i] = select(smaller, four.code[i], six.code[i]) | (c.sign[i] & keep);
  store_u8(scales, scale);
  put_turned(code, codes);
  return true;
}

// ggml_scale() and ggml_element() of numerics/nvfp4.h.
template <class T>
[[gnu::always_inline]] inline bool search_elements(const T* x, e2m1x2* codes, e4m3* scales) {
  using namespace cpu;
  const Columns c = columns_of(x);
  if (any(greater(c.amax, splat(int32_t(kFloatInf) - 1)))) return false;
  const F16 ideal = min(floats(c.amax) / splat(6.0f), splat(448.0f));
  const I16 u = bits(ideal);
  const I16 normal = shift_right<1>(shift_right<19>(u) + splat(1)) + splat(-(120 << 3));
  const I16 steps = min(truncated(min(ideal, splat(1.0f)) * splat(512.0f) + splat(0.5f)), splat(7));
  const auto small = greater(splat(int32_t(float_bits(0x1p-6f))), u);
  const I16 code = select(small, steps, select(greater(normal, splat(0x77)), splat(0x7e), normal));
  const F16 scale = from_e4m3(code);
  I16 best[kNvfp4Block];
  for (int i = 0; i < kNvfp4Block; ++i) {
    F16 nearest = c.magnitude[i];
    best[i] = splat(0);
    for (uint8_t k = 1; k < 8; ++k) {
      const F16 d = floats(magnitude(splat(to_float(e2m1{k})) * scale - c.magnitude[i]));
      const auto nearer = less(d, nearest);
      best[i] = select(nearer, splat(k) | c.sign[i], best[i]);
      nearest = select(nearer, d, nearest);
    }
  }
  store_u8(scales, code);
  put_turned(best, codes);
  return true;
}

}  // namespace
}  // namespace nibble::encode_nvfp4
