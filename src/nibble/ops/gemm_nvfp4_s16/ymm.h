// Private to this folder: what the ISAs of 256 bits share. Activations are bytes, and so are
// values, in registers of 8 rows by four columns, which vpmaddubsw and vpdpbusd want unsigned.
#pragma once
#include <cstring>

#include "nibble/cpu/e4m3_scales_avx2.h"
#include "nibble/ops/gemm_nvfp4_s16/kernels.h"

namespace nibble::gemm_nvfp4_s16 {
namespace {

constexpr int64_t kAheadBytes = 10 << 10;  // for one token
constexpr int kOffset = 12;                // added to twice the value: 0..24

// Token i, its blocks to `first` and every `stride`-th after it: 16 high bytes, then 16 low ones,
// of x = 256 high + low; and what takes off again what the offset adds, -12 times the sum of the x.
void pack_row(const Args& a, int64_t i, int64_t first, int64_t stride) {
  const int16_t* x = a.x + i * a.ldx;
  auto* to = reinterpret_cast<__m256i*>(a.packed_x) + first;
  int32_t* sums = a.block_sums + first;
  const __m256i byte = _mm256_set1_epi16(255), offset = _mm256_set1_epi16(-kOffset);
  for (int64_t k = 0; k < padded_k(a.k); k += kBlock, to += stride, sums += stride) {
    const __m256i v = k < a.k ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + k))
                              : _mm256_setzero_si256();
    // Both as 0..255, which packing keeps; it works in halves: high 0-7, low 0-7, high 8-15, ...
    const __m256i high = _mm256_srli_epi16(_mm256_add_epi16(v, _mm256_set1_epi16(128)), 8);
    const __m256i bytes = _mm256_packus_epi16(high, _mm256_and_si256(v, byte));
    _mm256_store_si256(to, _mm256_permute4x64_epi64(bytes, 0xd8));
    const __m256i pairs = _mm256_madd_epi16(v, offset);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    *sums = _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
  }
}

[[gnu::always_inline]] inline __m256i broadcast4(const int8_t* x) {
  int32_t four;
  std::memcpy(&four, x, 4);
  return _mm256_set1_epi32(four);
}
// Four columns of 16 rows, as bytes: rows 0 to 7, and 8 to 15.
struct Values {
  __m256i a, b;
};
// Eight columns: the lower halves of bytes are the first four, the upper ones the last.
struct Eight {
  __m256i rows_a, rows_b;

  [[gnu::always_inline]] explicit Eight(const uint8_t* codes)
      : rows_a(_mm256_load_si256(reinterpret_cast<const __m256i*>(codes))),
        rows_b(_mm256_load_si256(reinterpret_cast<const __m256i*>(codes) + 1)) {
    __asm__("" : "+x"(rows_a), "+x"(rows_b));  // read once, not once for each half of bytes
  }
  template <int kHalf>
  [[gnu::always_inline]] Values values() const {
    const __m256i table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    const __m256i nibble = _mm256_set1_epi8(15);
    return {
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(rows_a, 4 * kHalf), nibble)),
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(rows_b, 4 * kHalf), nibble))};
  }
};

[[gnu::always_inline]] inline void put(const Args& a, int64_t m, int64_t panel,
                                       const cpu::NanRows& nans, const __m256 (&acc)[2]) {
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    const int64_t row = 16 * panel + 8 * half, left = a.n - row;
    const __m256 sum =
        _mm256_mul_ps(nans.marked(half, acc[half]), _mm256_set1_ps(0.5f / cpu::kE4m3Lifted));
    const __m256 y = _mm256_mul_ps(_mm256_mul_ps(sum, cpu::load_rows(a.w_scale + row, left)),
                                   _mm256_set1_ps(a.x_scale[m]));
    cpu::store_rows(a.y + m * a.ldy + row, cpu::one_nan(y), left);
  }
}

// Codes 8 columns further, of the same block or of the next; and of a tile, the first ones.
constexpr int64_t kEightBytes = kPanels.dword_offset(0, 1) - kPanels.dword_offset(0, 0);
constexpr int64_t kFirstCodes = kPanels.dword_offset(0, 0);

}  // namespace
}  // namespace nibble::gemm_nvfp4_s16
