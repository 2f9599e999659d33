// Packs of loss_blocks.h in zmm registers, and its folds. Included by cpu_avx512*.cpp only.
#pragma once
#include "nibble/cpu/fold_avx512.h"
#include "nibble/cpu/loss_blocks.h"

namespace nibble::cpu {
namespace {

template <>
struct LossPacks<F32x16> {
  using V = F32x16;
  static constexpr bool exist = true;

  static __m512i load_i32(const int32_t* const* rows, int column, int count) {
    const __mmask8 there = __mmask8((1 << count) - 1);
    __m512i x = _mm512_castsi128_si512(_mm_maskz_loadu_epi32(there, rows[0] + column));
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi32(there, rows[1] + column), 1);
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi32(there, rows[2] + column), 2);
    return _mm512_inserti32x4(x, _mm_maskz_loadu_epi32(there, rows[3] + column), 3);
  }
  static V load(const int32_t* const* rows, int column, int count) {
    return _mm512_cvtepi32_ps(load_i32(rows, column, count));
  }
  static V load(const float* const* rows, int column, int count) {
    const __mmask8 there = __mmask8((1 << count) - 1);
    __m512 x = _mm512_castps128_ps512(_mm_maskz_loadu_ps(there, rows[0] + column));
    x = _mm512_insertf32x4(x, _mm_maskz_loadu_ps(there, rows[1] + column), 1);
    x = _mm512_insertf32x4(x, _mm_maskz_loadu_ps(there, rows[2] + column), 2);
    return _mm512_insertf32x4(x, _mm_maskz_loadu_ps(there, rows[3] + column), 3);
  }
  static V noisy(const int32_t* const* rows, int column, int count, unsigned plus,
                 const int32_t* step) {
    return noisy(load_i32(rows, column, count), plus, step);
  }
  // x of row r, in quarter r, with +step[r] where the bit is set and -step[r] elsewhere.
  static V noisy(__m512i x, unsigned plus, const int32_t* step) {
    const __m512i steps = _mm512_permutexvar_epi32(
        quarters(),
        _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(step))));
    return _mm512_cvtepi32_ps(
        _mm512_mask_add_epi32(_mm512_sub_epi32(x, steps), __mmask16(plus), x, steps));
  }
  // Four floats in each quarter, or the r-th of four all over quarter r.
  static V repeated(const float* x) { return _mm512_broadcast_f32x4(_mm_loadu_ps(x)); }
  static V each(const float* x) {
    return _mm512_permutexvar_ps(quarters(), _mm512_castps128_ps512(_mm_loadu_ps(x)));
  }
  template <int R>
  static V with_max(V a, V pack) {
    const __m512 quarter = _mm512_castps128_ps512(_mm512_extractf32x4_ps(pack.v, R));
    return _mm512_mask_max_ps(a.v, 15, a.v, quarter);
  }
  template <int R>
  static V with_sum(V a, V pack) {
    return _mm512_add_ps(a.v, _mm512_zextps128_ps512(_mm512_extractf32x4_ps(pack.v, R)));
  }

 private:
  static __m512i quarters() {
    return _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  }
};

}  // namespace
}  // namespace nibble::cpu
