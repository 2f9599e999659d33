// Inputs of products of groups of int8 tokens with panels of whole codes, for the cases of ops.
#pragma once
#include <vector>

#include "nibble/cpu/groups.h"
#include "nibble/numerics/grouped_cases.h"
#include "nibble/numerics/s8_product_cases.h"

namespace nibble::cpu {

// Each group is filled as a product alone. kFirst, kSecond: bytes of the greatest weights of both
// signs.
template <class Args, PanelLayout kLayout, int kMaxK, uint8_t kFirst, uint8_t kSecond>
struct S8GroupedFills {
  using One = S8ProductCases<Args, kLayout, kMaxK>;
  static constexpr int kSmallK = 130;
  static constexpr bool kContest = false;

  template <class Fill>
  static void each(Args& a, Random& rng, Fill&& fill) {
    fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
    for (int g = 0; g < a.groups; ++g) {
      Args one = group_of(a, g, a.n);
      fill(one, g);
    }
  }
  static void random(Args& a, Random& rng) {
    each(a, rng, [&](Args& one, int) { One::fill_random(one, rng); });
  }
  // Factors of NaN in every second group: in no other group's results.
  static void special(Args& a, Random& rng) {
    random(a, rng);
    for (int64_t j = 0; j < int64_t(a.groups) * a.n; j += 3)
      if (j / a.n % 2 == 0) writable(a.w_scale)[j] = bit_cast<float>(0x7fc00000u);
  }
  // Products at their largest, of one sign and of the other in groups by turns.
  static void worst(Args& a, Random& rng) {
    each(a, rng, [&](Args& one, int g) {
      One::fill_ones(one, rng);
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i)
        writable(one.w)[i] = g % 2 == 0 ? kFirst : kSecond;
      for (int64_t i = 0; i < (one.m - 1) * one.ldx + one.k; ++i) writable(one.x)[i] = -128;
    });
  }
  static void written(Args& a, Random& rng) {
    each(a, rng, [&](Args& one, int) { One::fill_written(one, rng); });
  }
};

}  // namespace nibble::cpu
