// Stochastic rounding to e2m1: up in magnitude with the probability of the way that is left behind,
// so that the expected value is what is rounded. The random bits of an element are a pure function
// of a seed, a stream and the element's number (base/random.h), so that results do not depend on
// the order or the number of threads, and pieces of a tensor are encoded as the whole is.
#pragma once
#include <cstdint>

#include "nibble/base/random.h"
#include "nibble/numerics/e2m1.h"

namespace nibble {

struct Stochastic {
  bool on = false;
  uint64_t seed = 0, stream = 0;
  uint64_t first = 0;  // the number of element 0
};

constexpr uint32_t random_bits(const Stochastic& s, uint64_t element) {
  const uint64_t n = s.first + element, block = n / 4;
  return philox4x32(
      {uint32_t(block), uint32_t(block >> 32), uint32_t(s.stream), uint32_t(s.stream >> 32)},
      {uint32_t(s.seed), uint32_t(s.seed >> 32)})[n % 4];
}

// With r = bits / 2^32, of which 24 bits count: the element below |y| if its distance, in steps to
// the one above, is at most r; else the one above. Saturates; keeps signs, also of 0; NaN is +6.
NIBBLE_HD constexpr e2m1 to_e2m1_stochastic(float y, uint32_t bits) {
  if (is_nan(y)) return {7};
  const uint32_t sign = float_bits(y) >> 28 & 8u;
  const float magnitude = y < 0 ? -y : y;
  if (magnitude >= 6) return {uint8_t(sign | 7u)};
  // Steps of 1/2, 1 and 2 from 0, 2 and 4 on; codes from 0, 4 and 6 on.
  const int binade = magnitude < 2 ? 0 : magnitude < 4 ? 1 : 2;
  const float from = binade == 0 ? 0.0f : binade == 1 ? 2.0f : 4.0f;
  const float steps = (magnitude - from) * (binade == 0 ? 2.0f : binade == 1 ? 1.0f : 0.5f);
  const int below = int(steps);
  const bool up = steps - float(below) > float(bits >> 8) * 0x1p-24f;
  return {uint8_t(sign | uint32_t((binade == 0 ? 0 : 2 + 2 * binade) + below + up))};
}

static_assert(to_e2m1_stochastic(5, 0x7fffffffu).bits == 7 &&
              to_e2m1_stochastic(5, 0x80000000u).bits == 6);
static_assert(to_e2m1_stochastic(-0.25f, 0).bits == 9 && to_e2m1_stochastic(3, 0).bits == 5);
static_assert(to_e2m1_stochastic(1.875f, 0).bits == 4 && to_e2m1_stochastic(1e9f, ~0u).bits == 7);

}  // namespace nibble
