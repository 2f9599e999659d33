#include <immintrin.h>

#include "nibble/ops/fold_s8/kernels.h"

namespace nibble::fold_s8 {
namespace {

constexpr int kStep = 64;  // bytes of a row at a time: 16 blocks of 4

struct Fold {
  __m128i shift;
  __m512i keep;  // clears the bits that a 16-bit shift carries from one byte into the next
  int sign;
  __m512i operator()(__m512i w, __m512i e) const {
    w = _mm512_and_si512(_mm512_sll_epi16(w, shift), keep);
    return sign < 0 ? _mm512_sub_epi8(w, e) : _mm512_add_epi8(w, e);
  }
};

// 16 rows of 16 blocks to 16 blocks of 16 rows; a block is 32 bits.
inline void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 2; ++j) {
      r[4 * i + 2 * j] = _mm512_unpacklo_epi64(t[4 * i + j], t[4 * i + 2 + j]);
      r[4 * i + 2 * j + 1] = _mm512_unpackhi_epi64(t[4 * i + j], t[4 * i + 2 + j]);
    }
  // r[4 g + c] now holds blocks c, c+4, c+8, c+12 of rows 4 g .. 4 g + 3: a 4x4 transpose of
  // 128-bit quarters remains.
  for (int c = 0; c < 4; ++c) {
    const __m512i low01 = _mm512_shuffle_i32x4(r[c], r[c + 4], 0x88);
    const __m512i high01 = _mm512_shuffle_i32x4(r[c], r[c + 4], 0xdd);
    const __m512i low23 = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], 0x88);
    const __m512i high23 = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], 0xdd);
    t[c] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    t[c + 4] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    t[c + 8] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
    t[c + 12] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
  }
  for (int i = 0; i < 16; ++i) r[i] = t[i];
}

void panel(const Args& a, const Fold& fold, int64_t column, int8_t* out, int32_t* sums) {
  __m512i total = _mm512_setzero_si512();
  const int blocks = int(gemm_s8::padded_k(a.k)) / gemm_s8::kBlock;
  for (int k = 0; k < a.k; k += kStep) {
    const int left = a.k - k;
    const __mmask64 exist = left >= kStep ? ~__mmask64(0) : (__mmask64(1) << left) - 1;
    __m512i r[16];
    for (int i = 0; i < 16; ++i) {
      r[i] = _mm512_setzero_si512();
      if (column + i >= a.n) continue;
      const int64_t at = (column + i) * a.k + k;
      r[i] = fold(_mm512_maskz_loadu_epi8(exist, a.w + at),
                  a.sign ? _mm512_maskz_loadu_epi8(exist, a.e + at) : _mm512_setzero_si512());
    }
    transpose(r);
    for (int q = 0; q < 16 && k / 4 + q < blocks; ++q) {
      _mm512_store_si512(out + (k / 4 + q) * 64, r[q]);
      const __m512i pairs = _mm512_maddubs_epi16(_mm512_set1_epi8(1), r[q]);
      total = _mm512_add_epi32(total, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
    }
  }
  _mm512_store_si512(sums, _mm512_slli_epi32(total, 7));
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  const Fold fold{_mm_cvtsi32_si128(a.shift), _mm512_set1_epi8(char(0xff << a.shift)), a.sign};
  auto* sums = reinterpret_cast<int32_t*>(a.packed + gemm_s8::sums_offset(a.n, a.k));
  const int64_t panels = gemm_s8::padded_n(a.n) / gemm_s8::kPanel;
  parallel_for(e.pool, panels, kPanelsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      panel(a, fold, 16 * p, a.packed + p * gemm_s8::panel_bytes(a.k), sums + 16 * p);
  });
}

}  // namespace nibble::fold_s8
