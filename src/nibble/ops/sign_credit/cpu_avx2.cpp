#include <immintrin.h>

#include "nibble/ops/sign_credit/kernels.h"

namespace nibble::sign_credit {
namespace {

// z where the bit is set and 0 elsewhere, for 16 of a block's signs.
inline __m256i chosen(uint16_t bits, __m256i z) {
  const __m256i lane = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
                                         8192, 16384, int16_t(0x8000));
  const __m256i own = _mm256_and_si256(_mm256_set1_epi16(int16_t(bits)), lane);
  return _mm256_and_si256(_mm256_cmpeq_epi16(own, lane), z);
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  const int64_t words = sign_words(a.k, a.n);
  for_blocks(a, e, [&](const Codes& codes, int first, int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      __m256i sums[4] = {};
      for (int p = 0; p < codes.count; ++p) {
        const uint16_t* bits = a.e + (first + p) * words + block * 4;
        const __m256i z = _mm256_set1_epi16(codes.z[p]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) sums[i] = _mm256_add_epi16(sums[i], chosen(bits[i], z));
      }
      alignas(32) int16_t all[kSignPanel * kSignBlock];
      for (int i = 0; i < 4; ++i) _mm256_store_si256(reinterpret_cast<__m256i*>(all) + i, sums[i]);
      const Place to = place_of(a, block);
      for (int i = 0; i < kSignBlock; ++i)
        for (int j = 0; j < to.columns; ++j)
          to.g[int64_t(i) * a.n + j] += 2 * all[j * kSignBlock + i] - codes.sum;
    }
  });
}

}  // namespace nibble::sign_credit
