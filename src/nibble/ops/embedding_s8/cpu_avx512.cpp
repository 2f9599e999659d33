#include <cstring>

#include "nibble/cpu/s8_avx512.h"
#include "nibble/ops/embedding_s8/kernels.h"

namespace nibble::embedding_s8 {
namespace {

inline __m512 load_f32(__mmask16 exist, const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(exist, p)));
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.tokens, kRowsPerTask, [&](int64_t begin, int64_t end) {
    const __m512 scale = _mm512_set1_ps(a.noise_scale);
    for (int64_t t = begin; t < end; ++t) {
      const int8_t* table = a.table + int64_t(a.token[t]) * a.dim;
      const int8_t* noise = a.noise + int64_t(a.token[t]) * a.dim;
      int8_t* out = a.out + t * a.dim;
      if (!a.has_noise) {
        std::memcpy(out, table, size_t(a.dim));
        continue;
      }
      for (int j = 0; j < a.dim; j += 16) {
        const __mmask16 exist = cpu::lanes(a.dim - j);
        const __m512 x =
            _mm512_fmadd_ps(scale, load_f32(exist, noise + j), load_f32(exist, table + j));
        _mm_mask_storeu_epi8(out + j, exist, cpu::to_s8(x));
      }
    }
  });
}

}  // namespace nibble::embedding_s8
