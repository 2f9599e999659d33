// Tiles of s8_panels.h by vpdpbusd of 256 bits: R rows of activations times one panel, a line of it
// as two registers of 8 rows. Sums are int32 without saturation, as exact as the contract's. For
// files compiled for AVX-VNNI.
#pragma once
#include "nibble/cpu/fetch_write.h"
#include "nibble/cpu/s8_avx2.h"
#include "nibble/cpu/s8_panels_avx2.h"

namespace nibble::cpu {
namespace {

// Half a line of codes: of 8 rows, kSteps times 4 neighbouring columns, as unsigned bytes. In place
// they are 4^j times as large, at most 3 * 64, which saves the shifts where each j has sums of its
// own: as in s8_panels_avx512.h.
struct Int8Halves : Int8Codes {
  static constexpr int kSteps = 1;
  static __m256i step(const uint8_t* p, int) {
    return _mm256_xor_si256(load256(p), _mm256_set1_epi8(char(0x80)));
  }
  static __m256i in_place(const uint8_t* p, int) { return step(p, 0); }
  static __m256i unplaced(__m256i sum, int) { return sum; }
};
struct TernaryHalves : TernaryCodes {
  static constexpr int kSteps = 4;
  static __m256i step(const uint8_t* p, int j) {
    return _mm256_and_si256(_mm256_srli_epi16(load256(p), 2 * j), _mm256_set1_epi8(3));
  }
  static __m256i in_place(const uint8_t* p, int j) {
    return _mm256_and_si256(load256(p), _mm256_set1_epi8(char(3 << 2 * j)));
  }
  static __m256i unplaced(__m256i sum, int j) { return _mm256_srai_epi32(sum, 2 * j); }
};

template <class Halves>
struct S8AvxVnni {
  static constexpr auto kLayout = Halves::kLayout;
  static constexpr int kGroupBytes = 4;
  static constexpr int kTokens = 6;  // x 2 halves: 12 of 16 registers are sums
  static constexpr bool kRowIsGroups = true;
  static constexpr int64_t kAhead = 8192;

  // Dword by dword to where its group is, unless `to` is null.
  static void copy(const int8_t* x, int64_t ldx, int rows, int k, int8_t* to, int32_t* sums) {
    for (int r = 0; r < rows; ++r, x += ldx) {
      __m256i sum = _mm256_setzero_si256();
      for (int64_t c = 0; c < padded_k(k); c += 32) {
        alignas(32) int8_t rest[32] = {};
        if (c + 32 > k && c < k) std::memcpy(rest, x + c, size_t(k - c));
        const int8_t* from = c + 32 > k ? rest : x + c;
        const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
        sum = _mm256_dpbusd_avx_epi32(sum, _mm256_set1_epi8(1), v);
        for (int i = 0; to != nullptr && i < 8; ++i)
          std::memcpy(to + 4 * ((c / 4 + i) * rows + r), from + 4 * i, 4);
      }
      alignas(32) int32_t parts[8];
      _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sum);
      sums[r] = 0;
      for (const int32_t part : parts) sums[r] += part;
    }
  }

  template <int R>
  static void tile(const S8Tile& t) {
    // vpdpbusd takes 4 or 5 cycles and starts twice in one: few sums are kept in parts.
    constexpr int kSteps = Halves::kSteps, kParts = R == 1 ? 4 : R == 2 ? 2 : 1;
    constexpr int kLines = kParts > kSteps ? kParts / kSteps : 1;  // of a round
    constexpr bool kPlaces = kParts % kSteps == 0;
    Sums8 acc[kParts][R][2];
    unrolled<kParts>(
        [&](auto i) { unrolled<R>([&](auto r) { acc[i][r][0] = acc[i][r][1] = Sums8{}; }); });
    unrolled<R>([&](auto r) {
      fetch_write(t.y + r * t.ldy);
      fetch_write(t.y + r * t.ldy + kPanelRows - 1);  // rows may begin anywhere in a line
    });
    const int8_t* x = t.groups;
    const uint8_t *w = t.w, *end = w + t.panel_bytes;
    for (; w != end; w += 64 * kLines, x += 4 * R * kSteps * kLines)
      unrolled<kLines>([&](auto l) {
        prefetch(w + 64 * l + kAhead);
        unrolled<kSteps>([&](auto j) {
          __m256i codes[2];
          unrolled<2>([&](auto h) {
            const uint8_t* at = w + 64 * l + 32 * h;
            codes[h] = kPlaces ? Halves::in_place(at, j) : Halves::step(at, j);
          });
          unrolled<R>([&](auto r) {
            const __m256i v = broadcast256(x + 4 * ((l * kSteps + j) * R + r));
            unrolled<2>([&](auto h) {
              Sums8& sum = acc[(l * kSteps + j) % kParts][r][h];
              sum = Sums8(_mm256_dpbusd_avx_epi32(__m256i(sum), codes[h], v));
            });
          });
        });
      });
    unrolled<2>([&](auto h) {
      const __m256i there = lanes8(t.columns - 8 * h);
      const __m256 w_scale = _mm256_maskload_ps(t.w_scale + 8 * h, there);
      unrolled<R>([&](auto r) {
        __m256i sum = _mm256_set1_epi32(-Halves::kBias * t.sums[r]);
        unrolled<kParts>([&](auto i) {
          const auto part = __m256i(acc[i][r][h]);
          sum = _mm256_add_epi32(sum, kPlaces ? Halves::unplaced(part, i % kSteps) : part);
        });
        const __m256 y = _mm256_mul_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), w_scale),
                                       _mm256_set1_ps(t.x_scale[r]));
        float* to = t.y + r * t.ldy + 8 * h;
        if (t.columns >= kPanelRows)
          _mm256_storeu_ps(to, y);
        else
          _mm256_maskstore_ps(to, there, y);
      });
    });
  }
};

}  // namespace
}  // namespace nibble::cpu
