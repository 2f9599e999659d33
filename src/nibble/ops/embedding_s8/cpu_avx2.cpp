#include <cstring>

#include "nibble/cpu/s8_avx2.h"
#include "nibble/ops/embedding_s8/kernels.h"

namespace nibble::embedding_s8 {

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.tokens, kRowsPerTask, [&](int64_t begin, int64_t end) {
    const __m256 scale = _mm256_set1_ps(a.noise_scale);
    for (int64_t t = begin; t < end; ++t) {
      const int8_t* table = a.table + int64_t(a.token[t]) * a.dim;
      const int8_t* noise = a.noise + int64_t(a.token[t]) * a.dim;
      int8_t* out = a.out + t * a.dim;
      if (!a.has_noise) {
        std::memcpy(out, table, size_t(a.dim));
        continue;
      }
      for (int j = 0; j < a.dim; j += 8) {
        const __m256 x = _mm256_cvtepi32_ps(cpu::load_s8(table + j, a.dim - j));
        const __m256 n = _mm256_cvtepi32_ps(cpu::load_s8(noise + j, a.dim - j));
        cpu::store_s8(out + j, cpu::to_s8_epi32(_mm256_fmadd_ps(scale, n, x)), a.dim - j);
      }
    }
  });
}

}  // namespace nibble::embedding_s8
