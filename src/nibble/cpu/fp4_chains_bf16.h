// fp4_chains.h by vdpbf16ps. For files compiled with AVX512-BF16 and VBMI. x is bf16, in the order
// of WordOrder and of pairs.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/fp4_words_avx512.h"

namespace nibble::cpu {
namespace {

struct Bf16Dot {
  alignas(64) static constexpr uint16_t kValues[32] = {
      0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0, 0x8000, 0xbf00, 0xbf80,
      0xbfc0, 0xc000, 0xc040, 0xc080, 0xc0c0, 0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040,
      0x4080, 0x40c0, 0x8000, 0xbf00, 0xbf80, 0xbfc0, 0xc000, 0xc040, 0xc080, 0xc0c0};
  using Sum = __m512;
  static __m512 zero() { return _mm512_setzero_ps(); }
  static __m512 dot(__m512 sum, __m512i v, __m512i x) {
    return _mm512_dpbf16_ps(sum, (__m512bh)v, (__m512bh)x);
  }
  static __m512 to_float(__m512 sum) { return sum; }
};

}  // namespace
}  // namespace nibble::cpu
