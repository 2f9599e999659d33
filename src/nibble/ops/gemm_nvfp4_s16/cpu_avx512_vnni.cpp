#include <immintrin.h>

#include "nibble/cpu/fp4_words_avx512.h"
#include "nibble/ops/gemm_nvfp4_s16/kernels.h"

namespace nibble::gemm_nvfp4_s16 {
namespace {

// Twice the values; sums of 16 columns are exact, in int32 and as floats.
struct S16Dot {
  alignas(64) static constexpr int16_t kValues[32] = {0,  1,  2,  3,  4,   6,  8,  12, 0,  -1, -2,
                                                      -3, -4, -6, -8, -12, 0,  1,  2,  3,  4,  6,
                                                      8,  12, 0,  -1, -2,  -3, -4, -6, -8, -12};
  using Sum = __m512i;
  static __m512i zero() { return _mm512_setzero_si512(); }
  static __m512i dot(__m512i sum, __m512i v, __m512i x) { return _mm512_dpwssd_epi32(sum, v, x); }
  static __m512 to_float(__m512i sum) { return _mm512_cvtepi32_ps(sum); }
};

void pack_row(const Args& a, int64_t i) {
  const int16_t* x = a.x + i * a.ldx;
  const cpu::WordOrder order{a.m, padded_k(a.k)};
  for (int64_t k = 0; k < padded_k(a.k); k += 16) {
    const __m256i v = k < a.k ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + k))
                              : _mm256_setzero_si256();
    _mm256_store_si256(reinterpret_cast<__m256i*>(a.packed_x + order.at(i, k)),
                       cpu::paired_words(v));
  }
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_row(a, i);
  });
  const cpu::Fp4Chains p{.m = a.m,
                         .n = a.n,
                         .k = a.k,
                         .w = a.w,
                         .w_scale = a.w_scale,
                         .x_scale = a.x_scale,
                         .factor = 0.5f,
                         .x = a.packed_x,
                         .ldx = padded_k(a.k),
                         .y = a.y,
                         .ldy = a.ldy};
  cpu::multiply_words<S16Dot, cpu::Nvfp4Blocks, false>(p, e.pool);
}

}  // namespace nibble::gemm_nvfp4_s16
