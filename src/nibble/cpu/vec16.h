// Sixteen lanes of float or int32, whatever the ISA: one 512-bit register, two of 256 bits, or an
// array. A kernel written over it is compiled once per ISA by the cpu_*.cpp files that include it,
// and gives the same bits everywhere: every function is one IEEE or integer operation per lane.
//
// Everything has internal linkage, so that no copy compiled for one ISA is called by another.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace nibble::cpu {
namespace {  // NOLINT: internal linkage is the point

#define NIBBLE_INLINE [[maybe_unused, gnu::always_inline]] static inline

#if defined(__AVX512F__) && defined(__AVX512BW__)

struct F16 {
  __m512 v;
};
struct I16 {
  __m512i v;
};

NIBBLE_INLINE F16 splat(float x) { return {_mm512_set1_ps(x)}; }
NIBBLE_INLINE I16 splat(int32_t x) { return {_mm512_set1_epi32(x)}; }
NIBBLE_INLINE F16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
NIBBLE_INLINE I16 load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
NIBBLE_INLINE I16 load(const int16_t* p) {
  return {_mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
NIBBLE_INLINE I16 load(const int8_t* p) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
NIBBLE_INLINE void store(float* p, F16 a) { _mm512_storeu_ps(p, a.v); }
NIBBLE_INLINE void store(int32_t* p, I16 a) { _mm512_storeu_si512(p, a.v); }
// Lanes must fit.
NIBBLE_INLINE void store(int8_t* p, I16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}
NIBBLE_INLINE F16 operator+(F16 a, F16 b) { return {_mm512_add_ps(a.v, b.v)}; }
NIBBLE_INLINE F16 operator-(F16 a, F16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
NIBBLE_INLINE F16 operator*(F16 a, F16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
NIBBLE_INLINE F16 operator/(F16 a, F16 b) { return {_mm512_div_ps(a.v, b.v)}; }
NIBBLE_INLINE F16 min(F16 a, F16 b) { return {_mm512_min_ps(a.v, b.v)}; }
NIBBLE_INLINE F16 max(F16 a, F16 b) { return {_mm512_max_ps(a.v, b.v)}; }
NIBBLE_INLINE F16 sqrt(F16 a) { return {_mm512_sqrt_ps(a.v)}; }
NIBBLE_INLINE I16 operator+(I16 a, I16 b) { return {_mm512_add_epi32(a.v, b.v)}; }
NIBBLE_INLINE I16 operator-(I16 a, I16 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
NIBBLE_INLINE I16 operator|(I16 a, I16 b) { return {_mm512_or_si512(a.v, b.v)}; }
NIBBLE_INLINE I16 operator&(I16 a, I16 b) { return {_mm512_and_si512(a.v, b.v)}; }
NIBBLE_INLINE I16 min(I16 a, I16 b) { return {_mm512_min_epi32(a.v, b.v)}; }
NIBBLE_INLINE I16 max(I16 a, I16 b) { return {_mm512_max_epi32(a.v, b.v)}; }
NIBBLE_INLINE I16 abs(I16 a) { return {_mm512_abs_epi32(a.v)}; }
template <int N>
NIBBLE_INLINE I16 shift_left(I16 a) {
  return {_mm512_slli_epi32(a.v, N)};
}
NIBBLE_INLINE F16 to_float(I16 a) { return {_mm512_cvtepi32_ps(a.v)}; }
NIBBLE_INLINE I16 round(F16 a) { return {_mm512_cvtps_epi32(a.v)}; }
// Lane i: bit i ? x : -x.
NIBBLE_INLINE I16 signed_by(uint16_t bits, I16 x) {
  return {_mm512_mask_sub_epi32(x.v, __mmask16(~bits), _mm512_setzero_si512(), x.v)};
}
// Lane i: bit i ? x : 0.
NIBBLE_INLINE F16 where(uint16_t bits, F16 x) { return {_mm512_maskz_mov_ps(bits, x.v)}; }
NIBBLE_INLINE int32_t sum(I16 a) { return _mm512_reduce_add_epi32(a.v); }
NIBBLE_INLINE F16 abs(F16 a) { return {_mm512_abs_ps(a.v)}; }
// In the order of numerics/reduce.h: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
NIBBLE_INLINE float sum(F16 a) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#elif defined(__AVX2__)

struct F16 {
  __m256 lo, hi;
};
struct I16 {
  __m256i lo, hi;
};

NIBBLE_INLINE F16 splat(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
NIBBLE_INLINE I16 splat(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
NIBBLE_INLINE F16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
NIBBLE_INLINE I16 load(const int32_t* p) {
  const auto* q = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
}
NIBBLE_INLINE I16 load(const int16_t* p) {
  const auto* q = reinterpret_cast<const __m128i*>(p);
  return {_mm256_cvtepi16_epi32(_mm_loadu_si128(q)), _mm256_cvtepi16_epi32(_mm_loadu_si128(q + 1))};
}
NIBBLE_INLINE I16 load(const int8_t* p) {
  const auto* q = reinterpret_cast<const __m128i*>(p);
  const auto* r = reinterpret_cast<const __m128i*>(p + 8);
  return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(q)), _mm256_cvtepi8_epi32(_mm_loadl_epi64(r))};
}
NIBBLE_INLINE void store(float* p, F16 a) {
  _mm256_storeu_ps(p, a.lo), _mm256_storeu_ps(p + 8, a.hi);
}
NIBBLE_INLINE void store(int32_t* p, I16 a) {
  auto* q = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(q, a.lo), _mm256_storeu_si256(q + 1, a.hi);
}
NIBBLE_INLINE void store(int8_t* p, I16 a) {
  // Packing works within 128-bit halves: 0-3 8-11 4-7 12-15 after it, put right by dwords.
  const __m256i w = _mm256_packs_epi32(a.lo, a.hi);
  const __m256i b = _mm256_packs_epi16(w, w);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(b, order)));
}
NIBBLE_INLINE F16 operator+(F16 a, F16 b) { return {a.lo + b.lo, a.hi + b.hi}; }
NIBBLE_INLINE F16 operator-(F16 a, F16 b) { return {a.lo - b.lo, a.hi - b.hi}; }
NIBBLE_INLINE F16 operator*(F16 a, F16 b) { return {a.lo * b.lo, a.hi * b.hi}; }
NIBBLE_INLINE F16 operator/(F16 a, F16 b) { return {a.lo / b.lo, a.hi / b.hi}; }
NIBBLE_INLINE F16 min(F16 a, F16 b) {
  return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
NIBBLE_INLINE F16 max(F16 a, F16 b) {
  return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
NIBBLE_INLINE F16 sqrt(F16 a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
NIBBLE_INLINE I16 operator+(I16 a, I16 b) {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
NIBBLE_INLINE I16 operator-(I16 a, I16 b) {
  return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)};
}
NIBBLE_INLINE I16 operator|(I16 a, I16 b) { return {a.lo | b.lo, a.hi | b.hi}; }
NIBBLE_INLINE I16 operator&(I16 a, I16 b) { return {a.lo & b.lo, a.hi & b.hi}; }
NIBBLE_INLINE I16 min(I16 a, I16 b) {
  return {_mm256_min_epi32(a.lo, b.lo), _mm256_min_epi32(a.hi, b.hi)};
}
NIBBLE_INLINE I16 max(I16 a, I16 b) {
  return {_mm256_max_epi32(a.lo, b.lo), _mm256_max_epi32(a.hi, b.hi)};
}
NIBBLE_INLINE I16 abs(I16 a) { return {_mm256_abs_epi32(a.lo), _mm256_abs_epi32(a.hi)}; }
template <int N>
NIBBLE_INLINE I16 shift_left(I16 a) {
  return {_mm256_slli_epi32(a.lo, N), _mm256_slli_epi32(a.hi, N)};
}
NIBBLE_INLINE F16 to_float(I16 a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
NIBBLE_INLINE I16 round(F16 a) { return {_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi)}; }
// All ones in the lanes whose bit is set.
NIBBLE_INLINE I16 mask_of(uint16_t bits) {
  const __m256i b = _mm256_set1_epi32(bits);
  const __m256i low = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i high = _mm256_slli_epi32(low, 8);
  return {_mm256_cmpeq_epi32(b & low, low), _mm256_cmpeq_epi32(b & high, high)};
}
NIBBLE_INLINE I16 signed_by(uint16_t bits, I16 x) {
  const I16 m = mask_of(bits);
  const __m256i one = _mm256_set1_epi32(1);
  // ~m | 1 is 1 where the bit is set and -1 elsewhere.
  return {_mm256_sign_epi32(x.lo, ~m.lo | one), _mm256_sign_epi32(x.hi, ~m.hi | one)};
}
NIBBLE_INLINE F16 where(uint16_t bits, F16 x) {
  const I16 m = mask_of(bits);
  return {_mm256_and_ps(x.lo, _mm256_castsi256_ps(m.lo)),
          _mm256_and_ps(x.hi, _mm256_castsi256_ps(m.hi))};
}
NIBBLE_INLINE int32_t sum(I16 a) {
  const __m256i s = _mm256_add_epi32(a.lo, a.hi);
  __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
  t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4e));
  t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1));
  return _mm_cvtsi128_si32(t);
}
NIBBLE_INLINE F16 abs(F16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
NIBBLE_INLINE float sum(F16 a) {
  const __m256 eight = _mm256_add_ps(a.lo, a.hi);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#else

struct F16 {
  float v[16];
};
struct I16 {
  int32_t v[16];
};

#define NIBBLE_LANES(T, expression)                   \
  T r;                                                \
  for (int i = 0; i < 16; ++i) r.v[i] = (expression); \
  return r

NIBBLE_INLINE F16 splat(float x) { NIBBLE_LANES(F16, x); }
NIBBLE_INLINE I16 splat(int32_t x) { NIBBLE_LANES(I16, x); }
NIBBLE_INLINE F16 load(const float* p) { NIBBLE_LANES(F16, p[i]); }
NIBBLE_INLINE I16 load(const int32_t* p) { NIBBLE_LANES(I16, p[i]); }
NIBBLE_INLINE I16 load(const int16_t* p) { NIBBLE_LANES(I16, p[i]); }
NIBBLE_INLINE I16 load(const int8_t* p) { NIBBLE_LANES(I16, p[i]); }
NIBBLE_INLINE void store(float* p, F16 a) { std::memcpy(p, a.v, sizeof a.v); }
NIBBLE_INLINE void store(int32_t* p, I16 a) { std::memcpy(p, a.v, sizeof a.v); }
NIBBLE_INLINE void store(int8_t* p, I16 a) {
  for (int i = 0; i < 16; ++i) p[i] = int8_t(a.v[i]);
}
NIBBLE_INLINE F16 operator+(F16 a, F16 b) { NIBBLE_LANES(F16, a.v[i] + b.v[i]); }
NIBBLE_INLINE F16 operator-(F16 a, F16 b) { NIBBLE_LANES(F16, a.v[i] - b.v[i]); }
NIBBLE_INLINE F16 operator*(F16 a, F16 b) { NIBBLE_LANES(F16, a.v[i] * b.v[i]); }
NIBBLE_INLINE F16 operator/(F16 a, F16 b) { NIBBLE_LANES(F16, a.v[i] / b.v[i]); }
NIBBLE_INLINE F16 min(F16 a, F16 b) { NIBBLE_LANES(F16, a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
NIBBLE_INLINE F16 max(F16 a, F16 b) { NIBBLE_LANES(F16, a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
NIBBLE_INLINE F16 sqrt(F16 a) { NIBBLE_LANES(F16, std::sqrt(a.v[i])); }
NIBBLE_INLINE I16 operator+(I16 a, I16 b) { NIBBLE_LANES(I16, a.v[i] + b.v[i]); }
NIBBLE_INLINE I16 operator-(I16 a, I16 b) { NIBBLE_LANES(I16, a.v[i] - b.v[i]); }
NIBBLE_INLINE I16 operator|(I16 a, I16 b) { NIBBLE_LANES(I16, a.v[i] | b.v[i]); }
NIBBLE_INLINE I16 operator&(I16 a, I16 b) { NIBBLE_LANES(I16, a.v[i] & b.v[i]); }
NIBBLE_INLINE I16 min(I16 a, I16 b) { NIBBLE_LANES(I16, a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
NIBBLE_INLINE I16 max(I16 a, I16 b) { NIBBLE_LANES(I16, a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
NIBBLE_INLINE I16 abs(I16 a) { NIBBLE_LANES(I16, a.v[i] < 0 ? -a.v[i] : a.v[i]); }
template <int N>
NIBBLE_INLINE I16 shift_left(I16 a) {
  NIBBLE_LANES(I16, int32_t(uint32_t(a.v[i]) << N));
}
NIBBLE_INLINE F16 to_float(I16 a) { NIBBLE_LANES(F16, float(a.v[i])); }
NIBBLE_INLINE I16 round(F16 a) { NIBBLE_LANES(I16, int32_t(std::lrintf(a.v[i]))); }
NIBBLE_INLINE I16 signed_by(uint16_t bits, I16 x) {
  NIBBLE_LANES(I16, (bits >> i & 1) != 0 ? x.v[i] : -x.v[i]);
}
NIBBLE_INLINE F16 where(uint16_t bits, F16 x) {
  NIBBLE_LANES(F16, (bits >> i & 1) != 0 ? x.v[i] : 0.0f);
}
NIBBLE_INLINE int32_t sum(I16 a) {
  int32_t s = 0;
  for (int i = 0; i < 16; ++i) s += a.v[i];
  return s;
}

NIBBLE_INLINE F16 abs(F16 a) { NIBBLE_LANES(F16, std::fabs(a.v[i])); }
NIBBLE_INLINE float sum(F16 a) {
  for (int half = 8; half != 0; half /= 2)
    for (int i = 0; i < half; ++i) a.v[i] = a.v[i] + a.v[i + half];
  return a.v[0];
}

#undef NIBBLE_LANES
#endif

NIBBLE_INLINE I16 clamp(I16 x, int32_t low, int32_t high) {
  return min(max(x, splat(low)), splat(high));
}
// min and max before conversion: a float beyond int32 has no defined code.
NIBBLE_INLINE I16 round_clamped(F16 x, float low, float high) {
  return round(min(max(x, splat(low)), splat(high)));
}

#undef NIBBLE_INLINE

}  // namespace
}  // namespace nibble::cpu
