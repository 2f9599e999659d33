#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/byte_tiles.h"
#include "nibble/ops/credit_outer/kernels.h"

namespace nibble::credit_outer {
namespace {

constexpr int kRows = 4;  // 4 rows x 2 accumulators, 2 for z, 2 for temporaries: 14 of 16 registers
// Loops over rows and panels are unrolled by pragma: -O2 alone keeps the accumulators in memory,
// which costs more than half of the speed.

// |x| * sign(z, x) = x * z; a pair sum is at most 2 * 127 * 127 = 32258 and does not saturate.
inline __m256i multiply_add(__m256i acc, __m256i x, __m256i z) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(z, x));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

void tile(const Args& a, const int8_t* xt, const int8_t* zp, int64_t k, int n) {
  const int64_t padded = padded_tokens(a.tokens);
  __m256i acc[kRows][2];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const auto* g = reinterpret_cast<const __m256i*>(a.g + (k + r) * a.n + n);
    acc[r][0] = _mm256_loadu_si256(g), acc[r][1] = _mm256_loadu_si256(g + 1);
  }
  for (int64_t t = 0; t < a.tokens; t += 4) {
    const auto* z = reinterpret_cast<const __m256i*>(zp + n * padded + 16 * t);
    const __m256i z0 = _mm256_load_si256(z), z1 = _mm256_load_si256(z + 1);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      int32_t word;
      std::memcpy(&word, xt + (k + r) * padded + t, 4);
      const __m256i x = _mm256_set1_epi32(word);
      acc[r][0] = multiply_add(acc[r][0], x, z0);
      acc[r][1] = multiply_add(acc[r][1], x, z1);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    auto* g = reinterpret_cast<__m256i*>(a.g + (k + r) * a.n + n);
    _mm256_storeu_si256(g, acc[r][0]), _mm256_storeu_si256(g + 1, acc[r][1]);
  }
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  int8_t* zp = a.work;
  int8_t* xt = zp + a.n * padded_tokens(a.tokens) + 4 * a.n;
  cpu::interleave_rows(a.z, a.tokens, a.n, padded_tokens(a.tokens), zp);
  cpu::transpose_bytes(a.x, a.ldx, a.tokens, a.k, 0, padded_tokens(a.tokens), xt);
  parallel_for(e.pool, a.k, 64, [&](int64_t begin, int64_t end) {
    for (int n = 0; n < a.n; n += 16)
      for (int64_t k = begin; k < end; k += kRows) tile(a, xt, zp, k, n);
  });
}

}  // namespace nibble::credit_outer
