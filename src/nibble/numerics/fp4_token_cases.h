// Tokens of products with fp4 panels, int8 or NVFP4, for the cases of ops.
#pragma once
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/numerics/nvfp4.h"

namespace nibble {

// What Fp4DualCases and Fp4GroupedCases want to know of NVFP4.
struct Nvfp4CaseScales {
  static constexpr int kSmallK = 80;
  static constexpr uint8_t kWorst = 0x7e;
  static constexpr float kWorstScale = 448;
  static constexpr bool is_nan(uint8_t b) { return (b & 0x7f) == 0x7f; }
  static constexpr uint8_t finite(uint8_t b) { return is_nan(b) ? uint8_t(b ^ 1) : b; }
  static constexpr uint8_t written(uint8_t b) { return uint8_t(1 + b % 0x7e); }
};

// All codes; of scales, all but NaN.
template <class Args>
void fill_fp4_tokens(Args& a, Random& rng) {
  if constexpr (requires { a.x_blocks; }) {
    for (int64_t i = 0; i < ((a.m - 1) * a.ldx + a.k) / 2; ++i)
      writable(a.x)[i] = {uint8_t(rng.next32())};
    for (int64_t i = 0; i < a.m * a.k / 16; ++i) writable(a.x_blocks)[i] = {any_finite_e4m3(rng)};
  } else {
    fill_i8(a.x, (a.m - 1) * a.ldx + a.k, rng, -128, 127);
  }
}
// Every third token has zeros, subnormals and the largest for scales, and NaN here and there.
template <class Args>
void fill_fp4_token_nan(Args& a, Random& rng) {
  if constexpr (requires { a.x_blocks; })
    for (int64_t i = 1; i < a.m; i += 3)
      for (int b = 0; b < a.k / 16; ++b)
        writable(a.x_blocks)[i * (a.k / 16) + b] = {hard_e4m3(rng)};
}
// Encoders write neither zeros nor signs where activations are not all zeros.
template <class Args>
void fill_fp4_token_likely(Args& a, Random& rng) {
  if constexpr (requires { a.x_blocks; })
    for (int64_t i = 0; i < a.m * a.k / 16; ++i) writable(a.x_blocks)[i] = {likely_e4m3(rng)};
}
// A row of floats as token i, NVFP4 with a factor of its own, as TransformerEngine encodes it.
template <class Args>
void encode_nvfp4_token(const Args& a, int64_t i, const float* x) {
  const Nvfp4Tensor row = nvfp4_tensor(Nvfp4::te, amax_of(x, a.k));
  writable(a.x_scale)[i] = row.decode;
  for (int b = 0; b < a.k / 16; ++b) {
    const e4m3 scale = nvfp4_scale(Nvfp4::te, row, amax_of(x + b * 16, 16));
    writable(a.x_blocks)[i * (a.k / 16) + b] = scale;
    for (int k = b * 16; k < (b + 1) * 16; k += 2)
      writable(a.x)[(i * a.ldx + k) / 2] = pack(nvfp4_element(Nvfp4::te, row, scale, x[k]),
                                                nvfp4_element(Nvfp4::te, row, scale, x[k + 1]));
  }
}
// Each at its largest, with equal signs; the other way in every second token.
template <class Args>
void fill_fp4_token_worst(Args& a) {
  for (int64_t i = 0; i < a.m; ++i)
    if constexpr (requires { a.x_blocks; }) {
      for (int k = 0; k < a.k / 2; ++k)
        writable(a.x)[i * a.ldx / 2 + k] = {uint8_t(i % 2 == 0 ? 0xff : 0x77)};
      for (int b = 0; b < a.k / 16; ++b) writable(a.x_blocks)[i * (a.k / 16) + b] = {0x7e};
    } else {
      for (int k = 0; k < a.k; ++k) writable(a.x)[i * a.ldx + k] = i % 2 == 0 ? -128 : 127;
    }
}
// A leading dimension of 96 columns: odd, if tokens do not come in pairs.
template <class Args>
constexpr int64_t kFp4OddRow = requires(const Args& a) {
  a.x_blocks;
}
? 102 : 101;
// The largest magnitude of a token's values.
template <class Args>
constexpr float kFp4MostOfToken = requires(const Args& a) {
  a.x_blocks;
}
? 6 * 448 : 128;

}  // namespace nibble
