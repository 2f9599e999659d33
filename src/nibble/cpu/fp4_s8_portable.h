// The kernel of fp4_s8.h in plain C++.
#pragma once
#include <cstring>
#include <limits>

#include "nibble/cpu/fp4_s8.h"
#include "nibble/numerics/lanes.h"

namespace nibble::cpu {
namespace {

struct Fp4Portable {
  using Lanes = numerics::F32x16;
  static constexpr auto kCodes = fp4_repeated_codes<1>();
  template <class F>
  static constexpr int kFew = 8;
  static constexpr int64_t kReadAgain = std::numeric_limits<int64_t>::max();
  template <class F>
  static constexpr float kUnit = 0.5f;

  template <class F>
  static void pack(const int8_t* x, int64_t ldx, int tokens, int blocks, uint8_t* to) {
    for (int b = 0; b < blocks; ++b, x += F::kBlock, to += F::token_bytes(tokens))
      for (int t = 0; t < tokens; ++t) {
        int32_t start = 0;
        for (int k = 0; k < F::kBlock; ++k) start -= kFp4Offset * x[t * ldx + k];
        std::memcpy(to + 4 * t, &start, 4);
        std::memcpy(to + 4 * tokens + F::kBlock * t, x + t * ldx, F::kBlock);
      }
  }

  static float scale(Nvfp4Panels, uint8_t byte) { return to_float(e4m3{byte}); }
  static float scale(Mxfp4Panels, uint8_t byte) { return to_float(ue8m0{byte}); }

  template <class F, int T>
  static void few(const uint8_t* panel, const uint8_t* x, int blocks, float* sums) {
    std::fill_n(sums, 16 * T, 0.0f);
    for (int b = 0; b < blocks; ++b, x += F::token_bytes(T)) {
      const uint8_t* tile = panel + b / 4 * F::kTileBytes;
      const uint8_t* codes = tile + 64 + b % 4 * F::kCodeBytes;
      // Registers of codes as bytes: of 16 rows, 4 columns each, in low nibbles and in high ones.
      uint8_t w[F::kQuads][64];
      for (int i = 0; i < F::kQuads / 2; ++i)
        for (int at = 0; at < 64; ++at) {
          const uint8_t byte = codes[64 * i + at];
          w[2 * i][at] = kCodes[byte & 15], w[2 * i + 1][at] = kCodes[byte >> 4];
        }
      for (int t = 0; t < T; ++t) {
        int32_t start, sum[16];
        std::memcpy(&start, x + 4 * t, 4);
        std::fill_n(sum, 16, start);
        const uint8_t* v = x + 4 * T + F::kBlock * t;
        for (int q = 0; q < F::kQuads; ++q)
          for (int r = 0; r < 16; ++r)
            for (int k = 0; k < 4; ++k) sum[r] += w[q][4 * r + k] * int8_t(v[4 * q + k]);
        // fma by way of double: the product is exact, and where the sum is not, the smaller part is
        // too small to bring it near the middle between two floats.
        for (int r = 0; r < 16; ++r)
          sums[16 * t + r] =
              float(sums[16 * t + r] + double(sum[r]) * scale(F(), tile[4 * r + b % 4]));
      }
    }
  }
};

}  // namespace
}  // namespace nibble::cpu
