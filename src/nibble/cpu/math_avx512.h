// Sixteen floats in a zmm register, with the operations of numerics/lanes.h bit for bit. Included
// by cpu_avx512*.cpp only; everything has internal linkage, so nothing compiled here leaves its
// file.
#pragma once
#include <immintrin.h>

#include "nibble/numerics/elementary.h"

namespace nibble::cpu {
namespace {

struct F32x16 {
  __m512 v;
  using Mask = __mmask16;

  F32x16() = default;
  explicit F32x16(float x) : v(_mm512_set1_ps(x)) {}
  F32x16(__m512 x) : v(x) {}

  static Mask first(int count) { return Mask((1u << count) - 1); }
  static F32x16 load(const float* p) { return _mm512_loadu_ps(p); }
  static F32x16 load(const float* p, int count) { return _mm512_maskz_loadu_ps(first(count), p); }
  static F32x16 load_i32(const int32_t* p, int count) {
    return _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(first(count), p));
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store(float* p, int count) const { _mm512_mask_storeu_ps(p, first(count), v); }

  friend F32x16 operator+(F32x16 a, F32x16 b) { return _mm512_add_ps(a.v, b.v); }
  friend F32x16 operator-(F32x16 a, F32x16 b) { return _mm512_sub_ps(a.v, b.v); }
  friend F32x16 operator*(F32x16 a, F32x16 b) { return _mm512_mul_ps(a.v, b.v); }
  friend F32x16 operator/(F32x16 a, F32x16 b) { return _mm512_div_ps(a.v, b.v); }
  friend F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
  friend F32x16 min(F32x16 a, F32x16 b) { return _mm512_min_ps(a.v, b.v); }
  friend F32x16 max(F32x16 a, F32x16 b) { return _mm512_max_ps(a.v, b.v); }
  friend F32x16 sqrt(F32x16 a) { return _mm512_sqrt_ps(a.v); }
  friend F32x16 abs(F32x16 a) { return _mm512_abs_ps(a.v); }
  friend F32x16 copysign(F32x16 a, F32x16 b) {
    const __m512 sign = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(sign, a.v), _mm512_and_ps(sign, b.v));
  }
  friend F32x16 pow2(F32x16 t) {
    const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(t.v), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(n, _mm512_set1_epi32(0x3f800000)));
  }
  friend F32x16 scale2(F32x16 a, F32x16 n) { return _mm512_scalef_ps(a.v, n.v); }
  friend F32x16 significand(F32x16 x, F32x16& e) {
    const __m512i bits = _mm512_castps_si512(x.v);
    const __m512i i = _mm512_srai_epi32(_mm512_sub_epi32(bits, _mm512_set1_epi32(0x3f3504f3)), 23);
    e = _mm512_cvtepi32_ps(i);
    return _mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(i, 23)));
  }
  friend Mask less(F32x16 a, F32x16 b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
  friend Mask is_nan(F32x16 a) { return _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q); }
  friend F32x16 select(Mask mask, F32x16 yes, F32x16 no) {
    return _mm512_mask_blend_ps(mask, no.v, yes.v);
  }
  friend F32x16 round_fp16(F32x16 a) {
    return _mm512_cvtph_ps(_mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  friend float sum(F32x16 a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  friend float max_lane(F32x16 a) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
};

}  // namespace
}  // namespace nibble::cpu
