#include <cstring>

#include "nibble/cpu/pair_tiles_avx512.h"
#include "nibble/ops/gemm_bf16_s8/kernels.h"

namespace nibble::gemm_bf16_s8 {
namespace {

struct ByPairs {
  using Widened = uint16_t;
  // The upper halves of floats that have no more: codes have 7 bits.
  static void widen(const int8_t* x, int64_t count, uint16_t* to) {
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
      const __m512i bits = _mm512_castps_si512(cpu::floats_of(x + i));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                          _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16)));
    }
    for (; i < count; ++i) to[i] = uint16_t(float_bits(float(x[i])) >> 16);
  }
  template <int R, int P>
  static void add(__m512 (&acc)[R][P], const uint16_t* x, int64_t ldx, const bf16* w,
                  int64_t panel) {
    __m512i pairs[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) pairs[p] = _mm512_load_si512(w + p * panel);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      int32_t pair;
      std::memcpy(&pair, x + r * ldx, sizeof pair);
      const __m512i v = _mm512_set1_epi32(pair);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        acc[r][p] = _mm512_dpbf16_ps(acc[r][p], (__m512bh)v, (__m512bh)pairs[p]);
    }
  }
};

}  // namespace

void avx512_bf16(const Args& a, const Exec& e) {
  run<uint16_t>(a, e, ByPairs::widen, cpu::pair_rows<ByPairs, Args>);
}

}  // namespace nibble::gemm_bf16_s8
