// Sixteen lanes on their way to and from narrow formats: what encoders and decoders need beyond
// vec16.h. AVX2 and AVX-512 only; the portable variants say the same with numerics/.
//
// Rounding to a narrow format is an addition: to the magnitude x in binade e, a power of two so
// large that the sum's last bit is worth a step of the format there; the sum is rounded to nearest,
// ties to even, and its last bits are x in steps.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp16.h"

#if defined(__AVX2__)
namespace nibble::cpu {
namespace {

#define NIBBLE_INLINE [[maybe_unused, gnu::always_inline]] static inline

#if defined(__AVX512F__) && defined(__AVX512BW__)

using M16 = __mmask16;

NIBBLE_INLINE I16 bits(F16 a) { return {_mm512_castps_si512(a.v)}; }
NIBBLE_INLINE F16 floats(I16 a) { return {_mm512_castsi512_ps(a.v)}; }
NIBBLE_INLINE F16 load(const bf16* p) {
  const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(w), 16))};
}
NIBBLE_INLINE F16 load(const fp16* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
// Lane i: lane i ^ kApart.
template <int kApart>
NIBBLE_INLINE F16 partners(F16 a) {
  if constexpr (kApart == 1) return {_mm512_permute_ps(a.v, 0xb1)};
  if constexpr (kApart == 2) return {_mm512_permute_ps(a.v, 0x4e)};
  if constexpr (kApart == 4) return {_mm512_shuffle_f32x4(a.v, a.v, 0xb1)};
  return {_mm512_shuffle_f32x4(a.v, a.v, 0x4e)};
}
NIBBLE_INLINE I16 load_u8(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
template <int N>
NIBBLE_INLINE I16 shift_right(I16 a) {  // zeros come in
  return {_mm512_srli_epi32(a.v, N)};
}
NIBBLE_INLINE I16 operator^(I16 a, I16 b) { return {_mm512_xor_si512(a.v, b.v)}; }
NIBBLE_INLINE M16 greater(I16 a, I16 b) { return _mm512_cmpgt_epi32_mask(a.v, b.v); }
NIBBLE_INLINE M16 equal(I16 a, I16 b) { return _mm512_cmpeq_epi32_mask(a.v, b.v); }
NIBBLE_INLINE M16 less(F16 a, F16 b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
NIBBLE_INLINE I16 truncated(F16 a) { return {_mm512_cvttps_epi32(a.v)}; }
NIBBLE_INLINE M16 unordered(F16 a) { return _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q); }
NIBBLE_INLINE I16 select(M16 m, I16 yes, I16 no) { return {_mm512_mask_mov_epi32(no.v, m, yes.v)}; }
NIBBLE_INLINE F16 select(M16 m, F16 yes, F16 no) { return {_mm512_mask_mov_ps(no.v, m, yes.v)}; }
NIBBLE_INLINE bool any(M16 m) { return m != 0; }
// Bit i: lane i of the mask.
NIBBLE_INLINE uint16_t mask_bits(M16 m) { return m; }
NIBBLE_INLINE F16 fma(F16 a, F16 b, F16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
NIBBLE_INLINE F16 fnma(F16 a, F16 b, F16 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }

NIBBLE_INLINE I16 merge32(I16 a, I16 b) {  // a and b alternate, each the greater of two lanes
  return max(I16{_mm512_unpacklo_epi32(a.v, b.v)}, I16{_mm512_unpackhi_epi32(a.v, b.v)});
}
NIBBLE_INLINE I16 merge64(I16 a, I16 b) {
  return max(I16{_mm512_unpacklo_epi64(a.v, b.v)}, I16{_mm512_unpackhi_epi64(a.v, b.v)});
}
NIBBLE_INLINE I16 merge128(I16 a, I16 b) {
  return max(I16{_mm512_shuffle_i32x4(a.v, b.v, 0x88)}, I16{_mm512_shuffle_i32x4(a.v, b.v, 0xdd)});
}
// Lane j: the greatest lane of m[j].
NIBBLE_INLINE I16 greatest_of_each(const I16* m) {
  I16 quad[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    quad[i] = merge64(merge32(m[4 * i], m[4 * i + 1]), merge32(m[4 * i + 2], m[4 * i + 3]));
  return merge128(merge128(quad[0], quad[1]), merge128(quad[2], quad[3]));
}
NIBBLE_INLINE int32_t greatest_lane(I16 a) { return _mm512_reduce_max_epi32(a.v); }

// Lanes 0..255 of four vectors as bytes, within quarters: what stands in 32-bit lane 4 q + i is
// quarter q of vector i.
NIBBLE_INLINE __m512i narrowed(const I16* a) {
  return _mm512_packus_epi16(_mm512_packus_epi32(a[0].v, a[1].v),
                             _mm512_packus_epi32(a[2].v, a[3].v));
}
// 64 bytes from 4 vectors with lanes 0..255.
NIBBLE_INLINE void store_bytes(void* p, const I16* a) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, narrowed(a)));
}
// 64 bytes from 8 vectors with lanes 0..15, two to a byte, the even lane in the low nibble.
NIBBLE_INLINE void store_nibbles(void* p, const I16* a) {
  const __m512i weights = _mm512_set1_epi16(0x1001);  // low + 16 * high
  const __m512i w = _mm512_packus_epi16(_mm512_maddubs_epi16(narrowed(a), weights),
                                        _mm512_maddubs_epi16(narrowed(a + 4), weights));
  const __m512i order = _mm512_set_epi16(31, 23, 15, 7, 30, 22, 14, 6, 29, 21, 13, 5, 28, 20, 12, 4,
                                         27, 19, 11, 3, 26, 18, 10, 2, 25, 17, 9, 1, 24, 16, 8, 0);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi16(order, w));
}
NIBBLE_INLINE void store_u8(void* p, I16 a) {  // lanes 0..255
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}
NIBBLE_INLINE void store_low_halves(void* p, I16 a) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a.v));
}
// Lane i: table[index lane i & 15].
NIBBLE_INLINE F16 lookup(F16 table, I16 index) { return {_mm512_permutexvar_ps(index.v, table.v)}; }
// The 16 nibbles of 8 bytes, the low one of each byte first; higher bits of lanes are undefined.
NIBBLE_INLINE I16 load_nibbles(const void* p) {
  const __m512i b = _mm512_cvtepu8_epi64(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  return {_mm512_or_si512(b, _mm512_slli_epi64(b, 28))};
}

#else

using M16 = I16;  // all ones or zeros in a lane

NIBBLE_INLINE I16 bits(F16 a) { return {_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)}; }
NIBBLE_INLINE F16 floats(I16 a) { return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)}; }
NIBBLE_INLINE F16 load(const bf16* p) {
  const auto* q = reinterpret_cast<const __m128i*>(p);
  const __m256i lo = _mm256_cvtepu16_epi32(_mm_loadu_si128(q));
  const __m256i hi = _mm256_cvtepu16_epi32(_mm_loadu_si128(q + 1));
  return floats(shift_left<16>(I16{lo, hi}));
}
NIBBLE_INLINE F16 load(const fp16* p) {
  const auto* q = reinterpret_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(q)), _mm256_cvtph_ps(_mm_loadu_si128(q + 1))};
}
template <int kApart>
NIBBLE_INLINE F16 partners(F16 a) {
  if constexpr (kApart == 1) return {_mm256_permute_ps(a.lo, 0xb1), _mm256_permute_ps(a.hi, 0xb1)};
  if constexpr (kApart == 2) return {_mm256_permute_ps(a.lo, 0x4e), _mm256_permute_ps(a.hi, 0x4e)};
  if constexpr (kApart == 4)
    return {_mm256_permute2f128_ps(a.lo, a.lo, 1), _mm256_permute2f128_ps(a.hi, a.hi, 1)};
  return {a.hi, a.lo};
}
NIBBLE_INLINE I16 load_u8(const uint8_t* p) {
  const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepu8_epi32(b), _mm256_cvtepu8_epi32(_mm_srli_si128(b, 8))};
}
template <int N>
NIBBLE_INLINE I16 shift_right(I16 a) {
  return {_mm256_srli_epi32(a.lo, N), _mm256_srli_epi32(a.hi, N)};
}
NIBBLE_INLINE I16 operator^(I16 a, I16 b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }
NIBBLE_INLINE M16 greater(I16 a, I16 b) {
  return {_mm256_cmpgt_epi32(a.lo, b.lo), _mm256_cmpgt_epi32(a.hi, b.hi)};
}
NIBBLE_INLINE M16 equal(I16 a, I16 b) {
  return {_mm256_cmpeq_epi32(a.lo, b.lo), _mm256_cmpeq_epi32(a.hi, b.hi)};
}
NIBBLE_INLINE M16 less(F16 a, F16 b) {
  return bits(F16{_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)});
}
NIBBLE_INLINE I16 truncated(F16 a) {
  return {_mm256_cvttps_epi32(a.lo), _mm256_cvttps_epi32(a.hi)};
}
NIBBLE_INLINE M16 unordered(F16 a) {
  return bits(
      F16{_mm256_cmp_ps(a.lo, a.lo, _CMP_UNORD_Q), _mm256_cmp_ps(a.hi, a.hi, _CMP_UNORD_Q)});
}
NIBBLE_INLINE I16 select(M16 m, I16 yes, I16 no) {
  return {_mm256_blendv_epi8(no.lo, yes.lo, m.lo), _mm256_blendv_epi8(no.hi, yes.hi, m.hi)};
}
NIBBLE_INLINE F16 select(M16 m, F16 yes, F16 no) { return floats(select(m, bits(yes), bits(no))); }
NIBBLE_INLINE uint16_t mask_bits(M16 m) {
  const F16 f = floats(m);
  return uint16_t(_mm256_movemask_ps(f.lo) | _mm256_movemask_ps(f.hi) << 8);
}
NIBBLE_INLINE bool any(M16 m) { return mask_bits(m) != 0; }
NIBBLE_INLINE F16 fma(F16 a, F16 b, F16 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
NIBBLE_INLINE F16 fnma(F16 a, F16 b, F16 c) {
  return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}

NIBBLE_INLINE __m256i greatest_of_four(const I16* m) {  // in the lanes of either half
  __m256i pair[2];
  for (int i = 0; i < 2; ++i) {
    const __m256i a = _mm256_max_epi32(m[2 * i].lo, m[2 * i].hi);
    const __m256i b = _mm256_max_epi32(m[2 * i + 1].lo, m[2 * i + 1].hi);
    pair[i] = _mm256_max_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
  }
  return _mm256_max_epi32(_mm256_unpacklo_epi64(pair[0], pair[1]),
                          _mm256_unpackhi_epi64(pair[0], pair[1]));
}
NIBBLE_INLINE __m256i greatest_of_eight(const I16* m) {
  const __m256i a = greatest_of_four(m), b = greatest_of_four(m + 4);
  return _mm256_max_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                          _mm256_permute2x128_si256(a, b, 0x31));
}
NIBBLE_INLINE I16 greatest_of_each(const I16* m) {
  return {greatest_of_eight(m), greatest_of_eight(m + 8)};
}
NIBBLE_INLINE int32_t greatest_lane(I16 a) {
  const __m256i s = _mm256_max_epi32(a.lo, a.hi);
  __m128i t = _mm_max_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
  t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0x4e));
  t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0xb1));
  return _mm_cvtsi128_si32(t);
}

// Two vectors with lanes 0..255 as bytes, in order.
NIBBLE_INLINE __m256i narrowed(I16 a, I16 b) {
  const __m256i bytes =
      _mm256_packus_epi16(_mm256_packus_epi32(a.lo, a.hi), _mm256_packus_epi32(b.lo, b.hi));
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
NIBBLE_INLINE void store_bytes(void* p, const I16* a) {
  auto* q = static_cast<__m256i*>(p);
  _mm256_storeu_si256(q, narrowed(a[0], a[1])), _mm256_storeu_si256(q + 1, narrowed(a[2], a[3]));
}
NIBBLE_INLINE void store_nibbles(void* p, const I16* a) {
  const __m256i weights = _mm256_set1_epi16(0x1001);  // low + 16 * high
  for (int i = 0; i < 2; ++i, a += 4) {
    const __m256i w = _mm256_packus_epi16(_mm256_maddubs_epi16(narrowed(a[0], a[1]), weights),
                                          _mm256_maddubs_epi16(narrowed(a[2], a[3]), weights));
    _mm256_storeu_si256(static_cast<__m256i*>(p) + i, _mm256_permute4x64_epi64(w, 0xd8));
  }
}
NIBBLE_INLINE void store_u8(void* p, I16 a) {
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_castsi256_si128(narrowed(a, a)));
}
NIBBLE_INLINE void store_low_halves(void* p, I16 a) {
  const I16 low = a & splat(0xffff);
  const __m256i w = _mm256_packus_epi32(low.lo, low.hi);
  _mm256_storeu_si256(static_cast<__m256i*>(p), _mm256_permute4x64_epi64(w, 0xd8));
}
NIBBLE_INLINE F16 lookup(F16 table, I16 index) {
  const I16 high = greater(index & splat(15), splat(7));
  const F16 first{_mm256_permutevar8x32_ps(table.lo, index.lo),
                  _mm256_permutevar8x32_ps(table.lo, index.hi)};
  const F16 second{_mm256_permutevar8x32_ps(table.hi, index.lo),
                   _mm256_permutevar8x32_ps(table.hi, index.hi)};
  return select(high, second, first);
}
NIBBLE_INLINE I16 load_nibbles(const void* p) {
  const __m128i b = _mm_loadl_epi64(static_cast<const __m128i*>(p));
  const __m256i lo = _mm256_cvtepu8_epi64(b), hi = _mm256_cvtepu8_epi64(_mm_srli_si128(b, 4));
  return {lo | _mm256_slli_epi64(lo, 28), hi | _mm256_slli_epi64(hi, 28)};
}

#endif

// Sixteen sums in double, lane by lane, and their total by the tree of numerics/reduce.h.
#if defined(__AVX512F__) && defined(__AVX512BW__)
struct Doubles {
  __m512d lo, hi;
};
NIBBLE_INLINE Doubles doubles(double x) { return {_mm512_set1_pd(x), _mm512_set1_pd(x)}; }
NIBBLE_INLINE Doubles add(Doubles s, F16 a) {
  return {_mm512_add_pd(s.lo, _mm512_cvtps_pd(_mm512_castps512_ps256(a.v))),
          _mm512_add_pd(s.hi, _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1)))};
}
NIBBLE_INLINE double sum(Doubles s) {
  const __m512d eight = _mm512_add_pd(s.lo, s.hi);
  const __m256d four =
      _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
#else
struct Doubles {
  __m256d v[4];
};
NIBBLE_INLINE Doubles doubles(double x) {
  const __m256d v = _mm256_set1_pd(x);
  return {{v, v, v, v}};
}
NIBBLE_INLINE Doubles add(Doubles s, F16 a) {
  return {{_mm256_add_pd(s.v[0], _mm256_cvtps_pd(_mm256_castps256_ps128(a.lo))),
           _mm256_add_pd(s.v[1], _mm256_cvtps_pd(_mm256_extractf128_ps(a.lo, 1))),
           _mm256_add_pd(s.v[2], _mm256_cvtps_pd(_mm256_castps256_ps128(a.hi))),
           _mm256_add_pd(s.v[3], _mm256_cvtps_pd(_mm256_extractf128_ps(a.hi, 1)))}};
}
NIBBLE_INLINE double sum(Doubles s) {
  const __m256d four = _mm256_add_pd(_mm256_add_pd(s.v[0], s.v[2]), _mm256_add_pd(s.v[1], s.v[3]));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
#endif

NIBBLE_INLINE I16 magnitude(F16 a) { return bits(a) & splat(0x7fffffff); }

// Of the last vector of an array: zeros from `count` on; nothing is read there.
template <class T>
NIBBLE_INLINE F16 load_part(const T* p, int64_t count) {
  T part[16] = {};
  __builtin_memcpy(part, p, size_t(count) * sizeof(T));
  return load(part);
}

NIBBLE_INLINE I16 load_u8_part(const uint8_t* p, int64_t count) {
  uint8_t part[16] = {};
  __builtin_memcpy(part, p, size_t(count));
  return load_u8(part);
}
// Bit i to bit 2 i.
NIBBLE_INLINE uint64_t spread_bits(uint32_t x) { return _pdep_u64(x, 0x5555555555555555u); }

// The code of a magnitude (of float bits, not above the format's largest value), without sign, in a
// format with kFraction bits of fraction and that bias; and the value that it stands for.
struct Narrowed {
  I16 code;
  F16 value;
};
template <int kBias, int kFraction>
NIBBLE_INLINE Narrowed narrow(I16 magnitude) {
  constexpr int shift = 23 - kFraction, least = 128 - kBias;  // the least normal's exponent field
  const I16 binade = max(magnitude & splat(0x7f800000), splat(least << 23));
  const F16 large = floats(binade + splat(shift << 23));
  const F16 sum = floats(magnitude) + large;
  // Binades above the least, then steps: a binade is 2^kFraction codes.
  const I16 steps = bits(sum) - splat((least + shift) << 23);
  return {(steps + shift_right<shift>(steps)) & splat(0xff), sum - large};
}

// NaNs without sign and payload.
NIBBLE_INLINE F16 one_nan(F16 a) { return select(unordered(a), floats(splat(0x7fc00000)), a); }
// Exact. Subnormals by conversion: their bits shifted into a float would be a subnormal float,
// which some processors multiply a hundred times slower.
NIBBLE_INLINE F16 from_e4m3(I16 code) {
  const I16 m = code & splat(0x7f);
  const F16 small = to_float(m) * splat(0x1p-9f);
  const F16 value =
      select(greater(splat(8), m), small, floats(shift_left<20>(m) + splat(120 << 23)));
  const F16 or_nan = select(equal(m, splat(0x7f)), floats(splat(0x7fc00000)), value);
  return floats(bits(or_nan) | shift_left<24>(code ^ m));
}
NIBBLE_INLINE F16 from_e5m2(I16 code) {
  const I16 m = code & splat(0x7f);
  const F16 small = to_float(m) * splat(0x1p-16f);
  const F16 value =
      select(greater(splat(4), m), small, floats(shift_left<21>(m) + splat(112 << 23)));
  const F16 or_top = select(greater(m, splat(0x7b)),
                            floats(shift_left<21>(m & splat(3)) | splat(0x7f800000)), value);
  return floats(bits(or_top) | shift_left<24>(code ^ m));
}

// The same for many elements at once, which come times 2^kLift<...>: so lifted, the exponent fields
// of sums have no part in the low bits of the code. Those are the code's magnitude, saturated; bit
// 31 is the sign, also of 0; what lies between is anything. No NaN.
template <int kBias, int kFraction, int kBits>
constexpr int lift_of() {
  int lift = 0;
  while (((128 - kBias + 23 - kFraction + lift) << kFraction) % (1 << (kBits - 1)) != 0) ++lift;
  return lift;
}
// Without kSaturates, magnitudes must not round past the largest.
template <int kBias, int kFraction, int kBits, bool kSaturates = true>
NIBBLE_INLINE I16 lifted_code(F16 y, float largest) {
  constexpr int shift = 23 - kFraction, lift = lift_of<kBias, kFraction, kBits>();
  const F16 most = splat(largest * float(int64_t(1) << lift));
  const F16 least = floats(splat((128 - kBias + lift) << 23)), up = splat(float(1 << shift));
#if defined(__AVX512F__) && defined(__AVX512BW__)
  // The smaller and the greater magnitude, with the sign of the first.
  const F16 within = kSaturates ? F16{_mm512_range_ps(y.v, most.v, 2)} : y;
  const F16 above{_mm512_range_ps(within.v, least.v, 3)};
  const F16 binade = floats(bits(above) & splat(int32_t(0xff800000u)));
  const I16 sum = bits(fma(binade, up, within));
  return sum + shift_right<shift>(sum);
#else
  const I16 u = bits(y);
  const F16 magnitude = floats(u & splat(0x7fffffff));
  const F16 within = kSaturates ? min(magnitude, most) : magnitude;
  const F16 binade = floats(bits(max(within, least)) & splat(0x7f800000));
  const I16 sum = bits(fma(binade, up, within));
  return (sum + shift_right<shift>(sum)) | (u & splat(INT32_MIN));
#endif
}
// The sign bit of lanes goes to bit kBits - 1, above the low bits, and the rest to zeros.
template <int kBits>
NIBBLE_INLINE I16 with_sign(I16 lifted) {
  const I16 low = splat((1 << (kBits - 1)) - 1), sign = shift_right<32 - kBits>(lifted);
#if defined(__AVX512F__) && defined(__AVX512BW__)
  return {_mm512_ternarylogic_epi32(low.v, lifted.v, sign.v, 0xca)};  // low ? lifted : sign
#else
  return (lifted & low) | (sign & splat(1 << (kBits - 1)));
#endif
}

// To nearest, ties to even; the low halves of the lanes. No NaN but the quiet one.
NIBBLE_INLINE I16 rounded_to_bf16(F16 a) {
  const I16 u = bits(a);
  return shift_right<16>(u + splat(0x7fff) + (shift_right<16>(u) & splat(1)));
}
NIBBLE_INLINE void store(bf16* p, F16 a) { store_low_halves(p, rounded_to_bf16(a)); }
template <class T, class V>
NIBBLE_INLINE void store_part(T* p, V a, int64_t count) {
  T part[16];
  store(part, a);
  __builtin_memcpy(p, part, size_t(count) * sizeof(T));
}

#undef NIBBLE_INLINE

}  // namespace
}  // namespace nibble::cpu
#endif
