// Compiled once per ISA. A block's sixteen possible values are computed, elements are looked up.
#pragma once
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/decode_nvfp4/kernels.h"

namespace nibble::decode_nvfp4 {
namespace {

using cpu::F16;
using cpu::I16;
using cpu::splat;

constexpr float kElements[] = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                               -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

// One block; element * scale is exact, so that the product with `decode` rounds once.
template <class T>
[[gnu::always_inline]] inline void block(const e2m1x2* codes, float scale, F16 decode, T* y) {
  const F16 values = cpu::one_nan(cpu::load(kElements) * splat(scale) * decode);
  cpu::store(y, cpu::lookup(values, cpu::load_nibbles(codes)));
}

template <class T>
[[gnu::always_inline]] inline void some_blocks(const e2m1x2* codes, const e4m3* scales,
                                               int64_t count, F16 decode, T* y) {
  for (int64_t b = 0; b < count; ++b) block(codes + b * 8, to_float(scales[b]), decode, y + b * 16);
}

#if defined(__AVX512F__) && defined(__AVX512BW__)

// 64 elements by a table of four blocks: word 8 k + c is code c of block k without its sign, which
// is put on what was looked up.
[[gnu::always_inline]] inline void look_up(const e2m1x2* codes, __m512i table, bf16* y,
                                           bool past_caches) {
  const __m512i codes_mask = _mm512_set1_epi32(0x00070007);
  const __m512i sign_mask = _mm512_set1_epi32(int(0x80008000u));
  const __m512i low_half = _mm512_set1_epi32(0xffff);
  // Bytes 0..7 are a block's, 8..15 the next one's.
  const __m512i second = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(8), 1);
#pragma GCC unroll 2
  for (int pair = 0; pair < 2; ++pair) {
    const __m512i row = _mm512_add_epi16(second, _mm512_set1_epi16(int16_t(16 * pair)));
    const auto* from = reinterpret_cast<const __m128i*>(codes + pair * 16);
    const __m512i b = _mm512_cvtepu8_epi32(_mm_loadu_si128(from));
    const __m512i up12 = _mm512_slli_epi32(b, 12), up24 = _mm512_slli_epi32(b, 24);
    // Words: a byte's low code, then its high one. 0xe0 is mask & (b | up12).
    const __m512i code = _mm512_ternarylogic_epi32(codes_mask, b, up12, 0xe0);
    const __m512i magnitude = _mm512_permutexvar_epi16(_mm512_or_si512(code, row), table);
    const __m512i signs = _mm512_ternarylogic_epi32(low_half, up12, up24, 0xca);
    // 0x78 is magnitude ^ (signs & mask).
    const __m512i words = _mm512_ternarylogic_epi32(magnitude, signs, sign_mask, 0x78);
    if (past_caches)
      _mm512_stream_si512(reinterpret_cast<__m512i*>(y + pair * 32), words);
    else
      _mm512_storeu_si512(y + pair * 32, words);
  }
}

// Sixteen blocks whose products are all positive and normal bf16. An element is 1 or 1.5 times a
// power of two, so that two products are rounded and the others are these with other exponents.
[[gnu::always_inline]] inline void normal_group(const e2m1x2* codes, F16 one, F16 one_and_half,
                                                bf16* y, bool past_caches) {
  // In 128-bit lane k: the products by 1 of blocks 4 k .. 4 k + 3, then those by 1.5.
  const __m512i both =
      _mm512_packus_epi32(cpu::rounded_to_bf16(one).v, cpu::rounded_to_bf16(one_and_half).v);
  // Which product, and how many times two, by code: 0, 1/2, 1, 1.5, 2, 3, 4, 6.
  const __m128i which = _mm_setr_epi16(0, 0, 0, 4, 0, 4, 0, 4);
  const __m512i times =
      _mm512_broadcast_i32x4(_mm_setr_epi16(0, -(1 << 7), 0, 0, 1 << 7, 1 << 7, 2 << 7, 2 << 7));
  __m512i index = _mm512_broadcast_i32x4(which);
  index = _mm512_add_epi16(
      index, _mm512_set_epi64(0x3000300030003, 0x3000300030003, 0x2000200020002, 0x2000200020002,
                              0x1000100010001, 0x1000100010001, 0, 0));
#pragma GCC unroll 4
  for (int four = 0; four < 4; ++four) {
    const __m512i at = _mm512_add_epi16(index, _mm512_set1_epi16(int16_t(8 * four)));
    const __m512i product = _mm512_maskz_permutexvar_epi16(0xfefefefeu, at, both);
    look_up(codes + four * 32, _mm512_add_epi16(product, times), y + four * 64, past_caches);
  }
}

// Sixteen blocks, none of whose values is a NaN. In 128-bit lane k the bf16 of block k's magnitudes
// 0, 0.5, 1, 1.5 come from one product and 2, 3, 4, 6 from another; packing sets them side by side.
[[gnu::always_inline]] inline void group(const e2m1x2* codes, F16 scales, F16 decode, bf16* y,
                                         bool past_caches) {
  const F16 one = scales * decode, least = splat(0x1p-125f), most = splat(0x1p123f);
  if (!cpu::any(cpu::less(one, least)) && !cpu::any(cpu::less(most, one)))
    return normal_group(codes, one, splat(1.5f) * scales * decode, y, past_caches);
  const F16 small{_mm512_broadcast_f32x4(_mm_setr_ps(0, 0.5f, 1, 1.5f))};
  const F16 large{_mm512_broadcast_f32x4(_mm_setr_ps(2, 3, 4, 6))};
  const __m512i lane = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  for (int four = 0; four < 4; ++four) {
    const __m512i index = _mm512_add_epi32(lane, _mm512_set1_epi32(4 * four));
    const F16 s{_mm512_permutexvar_ps(index, scales.v)};
    const __m512i table = _mm512_packus_epi32(cpu::rounded_to_bf16(small * s * decode).v,
                                              cpu::rounded_to_bf16(large * s * decode).v);
    look_up(codes + four * 32, table, y + four * 64, past_caches);
  }
}

[[gnu::always_inline]] inline void group(const e2m1x2* codes, F16 scales, F16 decode, float* y,
                                         bool past_caches) {
  const F16 elements = cpu::load(kElements);
#pragma GCC unroll 16
  for (int b = 0; b < 16; ++b) {
    const F16 s{_mm512_permutexvar_ps(_mm512_set1_epi32(b), scales.v)};
    const F16 v = cpu::lookup(elements * s * decode, cpu::load_nibbles(codes + b * 8));
    if (past_caches)
      _mm512_stream_ps(y + b * 16, v.v);
    else
      cpu::store(y + b * 16, v);
  }
}

// Rows begin..end of one factor.
template <bool kStream, class T>
void blocks(const Args& a, int64_t begin, int64_t end, float decode) {
  auto* y = static_cast<T*>(a.y.data);
  const bool finite = magnitude_bits(decode) < kFloatInf;
  int64_t b = begin;
  for (; finite && b + 16 <= end; b += 16) {
    const F16 s = cpu::from_e4m3(cpu::load_u8(reinterpret_cast<const uint8_t*>(a.scales + b)));
    T* to = y + b * 16;
    if (cpu::any(cpu::unordered(s)))
      some_blocks(a.codes + b * 8, a.scales + b, 16, splat(decode), to);
    else
      group(a.codes + b * 8, s, splat(decode), to,
            kStream && reinterpret_cast<uintptr_t>(to) % 64 == 0);
  }
  some_blocks(a.codes + b * 8, a.scales + b, end - b, splat(decode), y + b * 16);
}

#else

template <bool kStream, class T>
void blocks(const Args& a, int64_t begin, int64_t end, float decode) {
  some_blocks(a.codes + begin * 8, a.scales + begin, end - begin, splat(decode),
              static_cast<T*>(a.y.data) + begin * 16);
}

#endif

template <bool kStream, class T>
void run_as(const Args& a, const Exec& e) {
  const int64_t row = a.cols / 16;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    const int64_t step = a.per_row ? 1 : end - begin;
    for (int64_t r = begin; r < end; r += step)
      blocks<kStream, T>(a, r * row, (r + step) * row, a.decode[a.per_row ? r : 0]);
    if (kStream) _mm_sfence();  // such stores are not ordered with what tells that they are done
  });
}

template <bool kStream>
void run(const Args& a, const Exec& e) {
  if (a.y.type == DType::bf16) return run_as<kStream, bf16>(a, e);
  run_as<kStream, float>(a, e);
}

}  // namespace
}  // namespace nibble::decode_nvfp4
