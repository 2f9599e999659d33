#include "nibble/cpu/s8_avx512.h"
#include "nibble/ops/absmean_norm/kernels.h"

namespace nibble::absmean_norm {
namespace {

inline __m512i load_s8(__mmask16 exist, const int8_t* p) {
  return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(exist, p));
}

// The residual of one row after its increment; returns the sum of its magnitudes.
int32_t add_row(const Args& a, int64_t first) {
  const __m512 add_scale = _mm512_set1_ps(a.add_scale), sum_scale = _mm512_set1_ps(a.sum_scale);
  __m512i total = _mm512_setzero_si512();
  for (int j = 0; j < a.cols; j += 16) {
    const int64_t at = first + j;
    const __mmask16 exist = cpu::lanes(a.cols - j);
    __m512i x = load_s8(exist, a.x + at);
    if (a.add_kind != Add::none) {
      const __m512 d =
          a.add_kind == Add::f32
              ? _mm512_maskz_loadu_ps(exist, a.add + at)
              : _mm512_mul_ps(sum_scale,
                              _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(exist, a.sum + at)));
      x = _mm512_add_epi32(x, cpu::to_s8_epi32(_mm512_mul_ps(add_scale, d)));
      x = _mm512_min_epi32(_mm512_max_epi32(x, _mm512_set1_epi32(-127)), _mm512_set1_epi32(127));
      _mm512_mask_cvtepi32_storeu_epi8(a.x + at, exist, x);
    }
    total = _mm512_add_epi32(total, _mm512_abs_epi32(x));
  }
  return _mm512_reduce_add_epi32(total);
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = r * a.cols;
      const float mean = float(add_row(a, first)) / float(a.cols);
      const __m512 factor = _mm512_set1_ps(a.scale / (mean > 1 ? mean : 1.0f));
      for (int j = 0; j < a.cols; j += 16) {
        const __mmask16 exist = cpu::lanes(a.cols - j);
        const __m512 x = _mm512_cvtepi32_ps(load_s8(exist, a.x + first + j));
        _mm_mask_storeu_epi8(a.y + first + j, exist, cpu::to_s8(_mm512_mul_ps(x, factor)));
      }
    }
  });
}

}  // namespace nibble::absmean_norm
