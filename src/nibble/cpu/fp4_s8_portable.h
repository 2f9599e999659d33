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
  template <class F>
  static constexpr int kFew = 8;
  template <class F>
  static constexpr int64_t kReadAgain = std::numeric_limits<int64_t>::max();
  template <class F>
  static constexpr float kUnit = F::kOfDoubled;

  // Sums start at 0: nothing here wants an operand without sign.
  template <class F>
  static void pack(S8Tokens x, int tokens, int blocks, bool, uint8_t* to) {
    for (int b = 0; b < blocks; ++b, to += F::token_bytes(tokens))
      for (int t = 0; t < tokens; ++t)
        std::memcpy(to + F::kTokenHead * tokens + F::kBlock * t, x.from(t, b * F::kBlock).x,
                    F::kBlock);
  }
  static constexpr std::array<int8_t, 16> kDoubled = fp4_doubled_codes();
  template <class F>
  static void pack(Nvfp4Tokens x, int tokens, int blocks, bool, uint8_t* to) {
    for (int b = 0; b < blocks; ++b, to += F::token_bytes(tokens))
      for (int t = 0; t < tokens; ++t) {
        const Nvfp4Tokens from = x.from(t, b * F::kBlock);
        const float factor = to_float(*from.scales);
        std::memcpy(to + 4 * (tokens + t), &factor, 4);
        uint8_t* values = to + F::kTokenHead * tokens + F::kBlock * t;
        for (int k = 0; k < F::kBlock; ++k) {
          const e2m1x2 pair = from.x[k / 2];
          values[k] = uint8_t(kDoubled[(k % 2 == 0 ? low(pair) : high(pair)).bits]);
        }
      }
  }

  template <class F>
  static float scale(uint8_t byte) {
    return F::kBlock == 16 ? to_float(e4m3{byte}) : to_float(ue8m0{byte});
  }

  template <class F, int T>
  static void few(const uint8_t* panel, const uint8_t* x, int blocks, float* sums) {
    std::fill_n(sums, 16 * T, 0.0f);
    for (int b = 0; b < blocks; ++b, x += F::token_bytes(T)) {
      const uint8_t* tile = panel + b / 4 * F::kTileBytes;
      const uint8_t* codes = tile + 64 + b % 4 * F::kCodeBytes;
      // Twice the elements of 16 rows, column by column: a dword of codes holds four columns of a
      // row in low nibbles and the next four in high ones.
      int16_t w[F::kBlock][16];
      for (int i = 0; i < F::kBlock / 8; ++i)
        for (int r = 0; r < 16; ++r)
          for (int k = 0; k < 4; ++k) {
            const uint8_t byte = codes[64 * i + 4 * r + k];
            w[8 * i + k][r] = kDoubled[byte & 15];
            w[8 * i + 4 + k][r] = kDoubled[byte >> 4];
          }
      float scales[16];
      for (int r = 0; r < 16; ++r) scales[r] = scale<F>(tile[4 * r + b % 4]);
      for (int t = 0; t < T; ++t) {
        const auto* v = reinterpret_cast<const int8_t*>(x + F::kTokenHead * T + F::kBlock * t);
        int32_t sum[16] = {};
        for (int k = 0; k < F::kBlock; ++k)
          for (int r = 0; r < 16; ++r) sum[r] += v[k] * w[k][r];
        float factor = 1;
        if constexpr (F::kTokenScales) std::memcpy(&factor, x + 4 * (T + t), 4);
        // fma by way of double: the product is exact, and where the sum is not, the smaller part is
        // too small to bring it near the middle between two floats.
        for (int r = 0; r < 16; ++r)
          sums[16 * t + r] = float(sums[16 * t + r] + double(sum[r]) * (scales[r] * factor));
      }
    }
  }
};

}  // namespace
}  // namespace nibble::cpu
