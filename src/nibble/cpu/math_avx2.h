// Sixteen floats in two ymm registers, with the operations of numerics/lanes.h bit for bit.
// Included by cpu_avx2*.cpp only; everything has internal linkage, so nothing compiled here leaves
// its file.
#pragma once
#include <immintrin.h>

#include "nibble/numerics/elementary.h"

namespace nibble::cpu {
namespace {

struct F32x16 {
  __m256 lo, hi;
  struct Mask {
    __m256 lo, hi;
  };

  F32x16() = default;
  explicit F32x16(float x) : lo(_mm256_set1_ps(x)), hi(lo) {}
  F32x16(__m256 l, __m256 h) : lo(l), hi(h) {}

  // All ones in lanes below count - base.
  static __m256i first(int count, int base) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count - base), lane);
  }
  static F32x16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static F32x16 load(const float* p, int count) {
    return {_mm256_maskload_ps(p, first(count, 0)), _mm256_maskload_ps(p + 8, first(count, 8))};
  }
  static F32x16 load_i32(const int32_t* p, int count) {
    return {_mm256_cvtepi32_ps(_mm256_maskload_epi32(p, first(count, 0))),
            _mm256_cvtepi32_ps(_mm256_maskload_epi32(p + 8, first(count, 8)))};
  }
  void store(float* p) const { _mm256_storeu_ps(p, lo), _mm256_storeu_ps(p + 8, hi); }
  void store(float* p, int count) const {
    _mm256_maskstore_ps(p, first(count, 0), lo);
    _mm256_maskstore_ps(p + 8, first(count, 8), hi);
  }

  friend F32x16 operator+(F32x16 a, F32x16 b) {
    return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
  }
  friend F32x16 operator-(F32x16 a, F32x16 b) {
    return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
  }
  friend F32x16 operator*(F32x16 a, F32x16 b) {
    return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
  }
  friend F32x16 operator/(F32x16 a, F32x16 b) {
    return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
  }
  friend F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  friend F32x16 min(F32x16 a, F32x16 b) {
    return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
  }
  friend F32x16 max(F32x16 a, F32x16 b) {
    return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
  }
  friend F32x16 sqrt(F32x16 a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
  friend F32x16 abs(F32x16 a) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
  }
  friend F32x16 copysign(F32x16 a, F32x16 b) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_or_ps(_mm256_andnot_ps(sign, a.lo), _mm256_and_ps(sign, b.lo)),
            _mm256_or_ps(_mm256_andnot_ps(sign, a.hi), _mm256_and_ps(sign, b.hi))};
  }
  static __m256 pow2_half(__m256 t) {
    const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_set1_epi32(0x3f800000)));
  }
  friend F32x16 pow2(F32x16 t) { return {pow2_half(t.lo), pow2_half(t.hi)}; }
  friend F32x16 scale2(F32x16 a, F32x16 n) {
    const F32x16 magic(math::kMagic), t = fma(n, F32x16(0.5f), magic), half = t - magic;
    return a * pow2(t) * pow2(n - half + magic);
  }
  static __m256 significand_half(__m256 x, __m256& e) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i i = _mm256_srai_epi32(_mm256_sub_epi32(bits, _mm256_set1_epi32(0x3f3504f3)), 23);
    e = _mm256_cvtepi32_ps(i);
    return _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(i, 23)));
  }
  friend F32x16 significand(F32x16 x, F32x16& e) {
    const __m256 lo = significand_half(x.lo, e.lo);
    return {lo, significand_half(x.hi, e.hi)};
  }
  friend Mask less(F32x16 a, F32x16 b) {
    return {_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
  }
  friend Mask is_nan(F32x16 a) {
    return {_mm256_cmp_ps(a.lo, a.lo, _CMP_UNORD_Q), _mm256_cmp_ps(a.hi, a.hi, _CMP_UNORD_Q)};
  }
  friend F32x16 select(Mask mask, F32x16 yes, F32x16 no) {
    return {_mm256_blendv_ps(no.lo, yes.lo, mask.lo), _mm256_blendv_ps(no.hi, yes.hi, mask.hi)};
  }
  static __m256 round_fp16_half(__m256 a) {
    return _mm256_cvtph_ps(_mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  friend F32x16 round_fp16(F32x16 a) { return {round_fp16_half(a.lo), round_fp16_half(a.hi)}; }
  friend float sum(F32x16 a) {
    const __m256 eight = _mm256_add_ps(a.lo, a.hi);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  friend float max_lane(F32x16 a) {
    const __m256 eight = _mm256_max_ps(a.lo, a.hi);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
};

}  // namespace
}  // namespace nibble::cpu
