// Compiled once per ISA.
#pragma once
#include <cstring>

#include "nibble/cpu/narrow16.h"
#include "nibble/ops/encode_ternary/kernels.h"

namespace nibble::encode_ternary {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

// Bits of up to 64 elements: is the weight +1, is it -1.
struct Signs {
  uint64_t positive = 0, negative = 0;
};

// x / gamma rounds to more than 1/2 just where 2 x > gamma (cpu_portable.cpp).
template <class T>
[[gnu::always_inline]] inline Signs signs_of(const T* x, int64_t count, F16 gamma) {
  Signs s;
  const F16 zero = splat(0.0f);
  for (int64_t i = 0; i < count; i += 16) {
    const F16 v = i + 16 <= count ? cpu::load(x + i) : cpu::load_part(x + i, count - i);
    const F16 twice = v + v;
    s.positive |= uint64_t(cpu::mask_bits(cpu::less(gamma, twice))) << i;
    s.negative |= uint64_t(cpu::mask_bits(cpu::less(twice, zero - gamma))) << i;
  }
  return s;
}

// Codes w + 1 of 32 elements: 1 is where there is no sign, the upper bit where it is positive.
[[gnu::always_inline]] inline uint64_t two_bits(uint32_t positive, uint32_t negative) {
  return cpu::spread_bits(positive) << 1 | cpu::spread_bits(~(positive | negative));
}

// weight[b] is the sum of 3^(4 - j) over the bits j of b; byte[n] is what packs the number n.
struct Tables {
  uint8_t weight[32] = {}, byte[243] = {};
};
constexpr Tables kTables = [] {
  Tables t;
  for (int b = 0; b < 32; ++b)
    for (int j = 0, power = 81; j < 5; ++j, power /= 3)
      t.weight[b] = uint8_t(t.weight[b] + (b >> j & 1) * power);
  for (uint32_t n = 0; n < 243; ++n) t.byte[n] = base3_byte(n);
  return t;
}();

template <class T>
[[gnu::always_inline]] inline void row_two_bit(const T* x, int64_t cols, F16 gamma, uint8_t* to) {
  for (int64_t c = 0; c < cols; c += 64) {
    const int64_t count = c + 64 <= cols ? 64 : cols - c;
    const Signs s = signs_of(x + c, count, gamma);
    const uint64_t code[] = {two_bits(uint32_t(s.positive), uint32_t(s.negative)),
                             two_bits(uint32_t(s.positive >> 32), uint32_t(s.negative >> 32))};
    std::memcpy(to + c / 4, code, size_t(count + 3) / 4);
  }
}

template <class T>
[[gnu::always_inline]] inline void row_base3(const T* x, int64_t cols, F16 gamma, uint8_t* to) {
  for (int64_t c = 0; c < cols; c += 60) {
    const int64_t count = c + 60 <= cols ? 60 : cols - c;
    const Signs s = signs_of(x + c, count, gamma);
    for (int64_t i = 0; i < count; i += 5) {
      const uint8_t up = kTables.weight[s.positive >> i & 31];
      const uint8_t down = kTables.weight[s.negative >> i & 31];
      to[(c + i) / 5] = kTables.byte[121 + up - down];  // 121 is five zeros
    }
  }
}

template <class T>
void run_as(const Args& a, const Exec& e) {
  const int64_t row_bytes = ternary_row_bytes(a.packing, a.cols);
  // With a gamma of 0, not even subnormals are weights; nothing is above infinity.
  const F16 gamma = splat(*a.gamma > 0 ? *a.gamma : bit_cast<float>(kFloatInf));
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* x = static_cast<const T*>(a.x.data) + r * a.cols;
      if (a.packing == TernaryPacking::two_bit)
        row_two_bit(x, a.cols, gamma, a.codes + r * row_bytes);
      else
        row_base3(x, a.cols, gamma, a.codes + r * row_bytes);
    }
  });
}

inline void run(const Args& a, const Exec& e) {
  if (a.x.type == DType::bf16) return run_as<bf16>(a, e);
  if (a.x.type == DType::fp16) return run_as<fp16>(a, e);
  run_as<float>(a, e);
}

}  // namespace
}  // namespace nibble::encode_ternary
