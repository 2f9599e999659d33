// What s8_tile() of s8_tile_avx2.h multiplies with, for files compiled for AVX-VNNI.
#pragma once
#include "nibble/cpu/s8_tile_avx2.h"

namespace nibble::cpu {
namespace {

// A code is read as code + 128, unsigned, and sums begin at what that adds,
// subtracted. vpdpbusd adds in int32 without saturation.
struct S8VnniDot {
  static __m256i start(const int32_t* sums) {
    return _mm256_sub_epi32(_mm256_setzero_si256(),
                            _mm256_load_si256(reinterpret_cast<const __m256i*>(sums)));
  }
  static __m256i word(uint32_t codes) {
    return _mm256_xor_si256(_mm256_set1_epi32(int32_t(codes)), _mm256_set1_epi8(char(0x80)));
  }
  static __m256i add(__m256i sum, __m256i x, __m256i w) {
    return _mm256_dpbusd_avx_epi32(sum, x, w);
  }
};

}  // namespace
}  // namespace nibble::cpu
