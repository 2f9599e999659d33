// Byte matrices in the orders that dot products over rows want. 128-bit, so the same for AVX2 and
// AVX-512; internal linkage. x86 only.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace nibble::cpu {
namespace {

// 16 rows of 16 bytes to 16 columns: four rounds of unpacking, each halving the distance.
inline void transpose16(const __m128i in[16], __m128i out[16]) {
  __m128i a[16], b[16];
  for (int i = 0; i < 8; ++i) {
    a[2 * i] = _mm_unpacklo_epi8(in[i], in[i + 8]);
    a[2 * i + 1] = _mm_unpackhi_epi8(in[i], in[i + 8]);
  }
  for (int i = 0; i < 8; ++i) {
    b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
    b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
  }
  for (int i = 0; i < 8; ++i) {
    a[2 * i] = _mm_unpacklo_epi8(b[i], b[i + 8]);
    a[2 * i + 1] = _mm_unpackhi_epi8(b[i], b[i + 8]);
  }
  for (int i = 0; i < 8; ++i) {
    out[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
    out[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
  }
}

// out[column][padded] = in[row][column] ^ flip, rows behind the last as zeros. columns and padded
// are multiples of 16, out is aligned to 16 bytes.
[[maybe_unused]] inline void transpose_bytes(const int8_t* in, int64_t ld, int64_t rows,
                                             int columns, int8_t flip, int64_t padded,
                                             int8_t* out) {
  const __m128i mask = _mm_set1_epi8(flip);
  for (int64_t r = 0; r < padded; r += 16)
    for (int c = 0; c < columns; c += 16) {
      __m128i from[16], to[16];
      for (int i = 0; i < 16; ++i)
        from[i] = r + i < rows
                      ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + (r + i) * ld + c))
                      : _mm_setzero_si128();
      transpose16(from, to);
      for (int i = 0; i < 16; ++i)
        _mm_store_si128(reinterpret_cast<__m128i*>(out + (c + i) * padded + r),
                        _mm_xor_si128(to[i], mask));
    }
}

// out[column / 16][row / 4][column % 16][row % 4], zeros behind the last row: four rows share a
// 32-bit lane, which is what vpdpbusd multiplies. padded is a multiple of 4.
[[maybe_unused]] inline void interleave_rows(const int8_t* in, int64_t rows, int columns,
                                             int64_t padded, int8_t* out) {
  for (int64_t r = 0; r < padded; r += 4)
    for (int c = 0; c < columns; c += 16) {
      __m128i x[4];
      for (int i = 0; i < 4; ++i)
        x[i] = r + i < rows
                   ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + (r + i) * columns + c))
                   : _mm_setzero_si128();
      const __m128i low = _mm_unpacklo_epi8(x[0], x[1]), low2 = _mm_unpacklo_epi8(x[2], x[3]);
      const __m128i high = _mm_unpackhi_epi8(x[0], x[1]), high2 = _mm_unpackhi_epi8(x[2], x[3]);
      auto* to = reinterpret_cast<__m128i*>(out + c * padded + r * 16);
      _mm_store_si128(to, _mm_unpacklo_epi16(low, low2));
      _mm_store_si128(to + 1, _mm_unpackhi_epi16(low, low2));
      _mm_store_si128(to + 2, _mm_unpacklo_epi16(high, high2));
      _mm_store_si128(to + 3, _mm_unpackhi_epi16(high, high2));
    }
}

}  // namespace
}  // namespace nibble::cpu
