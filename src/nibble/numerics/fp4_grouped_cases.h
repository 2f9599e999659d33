// Inputs of products of groups of tokens with fp4 panels, for the cases of ops. Scales says of
// a format: kSmallK, an odd number of blocks; kWorst, 1 or the largest; is_nan, finite and written,
// a scale as encoders make it, of a random byte.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_token_cases.h"
#include "nibble/numerics/grouped_cases.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

template <class Args, class Scales, PanelLayout kLayout>
struct Fp4GroupedCases {
  static constexpr int kSmallK = Scales::kSmallK;
  static constexpr bool kContest = true;
  // All bytes, those of padding too. scale(group, row, byte) makes a scale of a random byte.
  template <class Scale>
  static void fill_w(Args& a, Random& rng, Scale&& scale) {
    for (int g = 0; g < a.groups; ++g) {
      uint8_t* w = writable(a.w) + g * a.w_stride;
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); i += 4) {
        const uint32_t four = rng.next32();
        const bool scales = i % kLayout.tile_bytes() < kLayout.scale_bytes();
        const int64_t row =
            i / kLayout.panel_bytes(a.k) * kLayout.rows + i % kLayout.tile_bytes() / 4;
        for (int b = 0; b < 4; ++b) {
          const auto byte = uint8_t(four >> 8 * b);
          w[i + b] = scales ? scale(g, row, byte) : byte;
        }
      }
    }
  }
  static void fill_rest(Args& a, Random& rng) {
    fill_fp4_tokens(a, rng);
    fill_f32(a.w_scale, int64_t(a.groups) * a.n, rng, -2, 2);
    fill_f32(a.x_scale, a.m, rng, 1e-4f, 2);
    if (a.ldy != a.n) fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
  }

  // Every scale that is neither NaN nor so large that sums overflow.
  static void random(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int, int64_t, uint8_t b) { return Scales::finite(b); });
  }
  // NaN in every third row of the groups of even number: in no other group's results.
  static void special(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int g, int64_t row, uint8_t b) {
      return Scales::is_nan(b) && (g % 2 != 0 || row % 3 != 1) ? uint8_t(b ^ 1) : b;
    });
    fill_fp4_token_nan(a, rng);
  }
  // Scales as encoders write them.
  static void written(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int, int64_t, uint8_t b) { return Scales::written(b); });
    fill_fp4_token_likely(a, rng);
  }
  // Block sums at their largest: elements of 6 and -6 in turn with the rows, tokens of -128 and
  // 127.
  static void worst(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int, int64_t, uint8_t) { return Scales::kWorst; });
    for (int g = 0; g < a.groups; ++g)
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i)
        if (const int64_t at = i % kLayout.tile_bytes() - kLayout.scale_bytes(); at >= 0)
          writable(a.w)[g * a.w_stride + i] = at / 4 % 2 == g % 2 ? uint8_t(0x77) : uint8_t(0xff);
    fill_fp4_token_worst(a);
  }
  // Rows of NVFP4 begin with a byte.
  static void vary(Args& a, int) {
    if constexpr (requires { a.x_blocks; }) a.ldx += a.ldx % 2;
  }
  // A token for each matrix: a contest's products with vectors, as many as it has.
  static void fill_vectors(Args& a, Random& rng) {
    written(a, rng);
    for (int g = 0; g <= a.groups; ++g) writable(a.offsets)[g] = g;
  }
  static Case<Args> vectors(int groups, int n, int k) {
    return {.name = "bench_l" + std::to_string(groups) + "_m1_n" + std::to_string(n) + "_k" +
                    std::to_string(k),
            .args = {.groups = groups,
                     .m = groups,
                     .n = n,
                     .k = k,
                     .ldx = k,
                     .ldy = n,
                     .w_stride = kLayout.bytes(n, k)},
            .fill = fill_vectors,
            .bench = true};
  }
  static std::vector<Case<Args>> cases() {
    return GroupedCases<Args, Fp4GroupedCases, kLayout>::cases();
  }
};

}  // namespace nibble
