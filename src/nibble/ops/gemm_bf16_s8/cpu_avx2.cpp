#include <immintrin.h>

#include "nibble/ops/gemm_bf16_s8/kernels.h"

namespace nibble::gemm_bf16_s8 {
namespace {

constexpr int kRows = 4;  // x 2 halves of a panel: 8 chains, 2 of weights, a mask, a broadcast

void widen(const int8_t* x, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(x + i));
    _mm256_storeu_ps(to + i, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)));
  }
  for (; i < count; ++i) to[i] = float(x[i]);
}

template <int R>
void tile(const Args& a, const float* x, const bf16* w, int32_t* y) {
  const __m256i odd = _mm256_set1_epi32(int(0xffff0000u));
  __m256 acc[R][2];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_ps();
  for (int k = 0; k < a.k; k += 2, w += 2 * kPanel) {
    const auto* pairs = reinterpret_cast<const __m256i*>(w);
#pragma GCC unroll 2
    for (int part = 1; part >= 0; --part) {
      __m256 half[2];
      for (int h = 0; h < 2; ++h) {
        const __m256i both = _mm256_load_si256(pairs + h);
        half[h] = _mm256_castsi256_ps(part == 1 ? _mm256_and_si256(both, odd)
                                                : _mm256_slli_epi32(both, 16));
      }
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const __m256 v = _mm256_broadcast_ss(x + r * a.ldx + k + part);
        acc[r][0] = _mm256_fmadd_ps(v, half[0], acc[r][0]);
        acc[r][1] = _mm256_fmadd_ps(v, half[1], acc[r][1]);
      }
    }
  }
  const __m256 most = _mm256_set1_ps(0x1p30f), least = _mm256_set1_ps(-0x1p30f);
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
    for (int h = 0; h < 2; ++h)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + r * a.ldy + 8 * h),
                          _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(acc[r][h], least), most)));
}

void rows(const Args& a, const float* x, int64_t begin, int64_t end) {
  for (int column = 0; column < a.n; column += kPanel) {
    const bf16* w = a.w + int64_t(column) * a.k;
    int64_t i = begin;
    for (; i + kRows <= end; i += kRows) tile<kRows>(a, x + i * a.ldx, w, a.y + i * a.ldy + column);
    for (; i < end; ++i) tile<1>(a, x + i * a.ldx, w, a.y + i * a.ldy + column);
  }
}

}  // namespace

void avx2(const Args& a, const Exec& e) { run<float>(a, e, widen, rows); }

}  // namespace nibble::gemm_bf16_s8
