// Pairs widened to float: the odd ones are a mask away, the even ones a shift.
#include "nibble/cpu/pair_tiles_avx512.h"
#include "nibble/ops/gemm_bf16_s8/kernels.h"

namespace nibble::gemm_bf16_s8 {
namespace {

struct ByFma {
  using Widened = float;
  static void widen(const int8_t* x, int64_t count, float* to) {
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) _mm512_storeu_ps(to + i, cpu::floats_of(x + i));
    for (; i < count; ++i) to[i] = float(x[i]);
  }
  template <int R, int P>
  static void add(__m512 (&acc)[R][P], const float* x, int64_t ldx, const bf16* w, int64_t panel) {
    const __m512i odd = _mm512_set1_epi32(int(0xffff0000u));
    __m512i pairs[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) pairs[p] = _mm512_load_si512(w + p * panel);
#pragma GCC unroll 2
    for (int part = 1; part >= 0; --part) {
      __m512 half[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        half[p] = _mm512_castsi512_ps(part == 1 ? _mm512_and_si512(pairs[p], odd)
                                                : _mm512_slli_epi32(pairs[p], 16));
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m512 v = _mm512_set1_ps(x[r * ldx + part]);
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) acc[r][p] = _mm512_fmadd_ps(v, half[p], acc[r][p]);
      }
    }
  }
};

}  // namespace

void avx512(const Args& a, const Exec& e) {
  run<float>(a, e, ByFma::widen, cpu::pair_rows<ByFma, Args>);
}

}  // namespace nibble::gemm_bf16_s8
