#include "nibble/cpu/s8_avx2.h"
#include "nibble/ops/absmean_norm/kernels.h"

namespace nibble::absmean_norm {
namespace {

inline int32_t horizontal_sum(__m256i x) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

// The residual of one row after its increment; returns the sum of its magnitudes.
int32_t add_row(const Args& a, int64_t first) {
  const __m256 add_scale = _mm256_set1_ps(a.add_scale), sum_scale = _mm256_set1_ps(a.sum_scale);
  __m256i total = _mm256_setzero_si256();
  for (int j = 0; j < a.cols; j += 8) {
    const int64_t at = first + j, left = a.cols - j;
    __m256i x = cpu::load_s8(a.x + at, left);
    if (a.add_kind != Add::none) {
      const __m256i exist = cpu::lanes8(left);
      const __m256 d =
          a.add_kind == Add::f32
              ? _mm256_maskload_ps(a.add + at, exist)
              : _mm256_mul_ps(sum_scale,
                              _mm256_cvtepi32_ps(_mm256_maskload_epi32(a.sum + at, exist)));
      x = _mm256_add_epi32(x, cpu::to_s8_epi32(_mm256_mul_ps(add_scale, d)));
      x = _mm256_min_epi32(_mm256_max_epi32(x, _mm256_set1_epi32(-127)), _mm256_set1_epi32(127));
      cpu::store_s8(a.x + at, x, left);
    }
    total = _mm256_add_epi32(total, _mm256_abs_epi32(x));
  }
  return horizontal_sum(total);
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = r * a.cols;
      const float mean = float(add_row(a, first)) / float(a.cols);
      const __m256 factor = _mm256_set1_ps(a.scale / (mean > 1 ? mean : 1.0f));
      for (int j = 0; j < a.cols; j += 8) {
        const __m256 x = _mm256_cvtepi32_ps(cpu::load_s8(a.x + first + j, a.cols - j));
        cpu::store_s8(a.y + first + j, cpu::to_s8_epi32(_mm256_mul_ps(x, factor)), a.cols - j);
      }
    }
  });
}

}  // namespace nibble::absmean_norm
