#include <immintrin.h>

#include <cstring>

#include "nibble/ops/fold_s8/kernels.h"

namespace nibble::fold_s8 {
namespace {

constexpr int kStep = 32;  // bytes of a row at a time: 8 blocks of 4

inline __m256i load(const int8_t* p, int left) {
  if (left >= kStep) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  alignas(32) int8_t bytes[kStep] = {};
  std::memcpy(bytes, p, size_t(left));
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes));
}

struct Fold {
  __m128i shift;
  __m256i keep;  // clears the bits that a 16-bit shift carries from one byte into the next
  int sign;
  __m256i operator()(__m256i w, __m256i e) const {
    w = _mm256_and_si256(_mm256_sll_epi16(w, shift), keep);
    return sign < 0 ? _mm256_sub_epi8(w, e) : _mm256_add_epi8(w, e);
  }
};

// 8 rows of 8 blocks to 8 blocks of 8 rows; a block is 32 bits.
inline void transpose(__m256i (&r)[8]) {
  __m256i t[8], u[8];
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) {
      u[4 * i + 2 * j] = _mm256_unpacklo_epi64(t[4 * i + j], t[4 * i + 2 + j]);
      u[4 * i + 2 * j + 1] = _mm256_unpackhi_epi64(t[4 * i + j], t[4 * i + 2 + j]);
    }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}

// Columns [column, column + 8), half a panel; `out` is where their first block goes.
void half_panel(const Args& a, const Fold& fold, int64_t column, int8_t* out, int32_t* sums) {
  __m256i total = _mm256_setzero_si256();
  const int blocks = int(gemm_s8::padded_k(a.k)) / gemm_s8::kBlock;
  for (int k = 0; k < a.k; k += kStep) {
    __m256i r[8];
    for (int i = 0; i < 8; ++i) {
      r[i] = _mm256_setzero_si256();
      if (column + i >= a.n) continue;
      const int64_t at = (column + i) * a.k + k;
      r[i] =
          fold(load(a.w + at, a.k - k), a.sign ? load(a.e + at, a.k - k) : _mm256_setzero_si256());
    }
    transpose(r);
    for (int q = 0; q < 8 && k / 4 + q < blocks; ++q) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(out + (k / 4 + q) * 64), r[q]);
      const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), r[q]);
      total = _mm256_add_epi32(total, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
  }
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums), _mm256_slli_epi32(total, 7));
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  const Fold fold{_mm_cvtsi32_si128(a.shift), _mm256_set1_epi8(char(0xff << a.shift)), a.sign};
  auto* sums = reinterpret_cast<int32_t*>(a.packed + gemm_s8::sums_offset(a.n, a.k));
  const int64_t panels = gemm_s8::padded_n(a.n) / gemm_s8::kPanel;
  parallel_for(e.pool, panels, kPanelsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      for (int half = 0; half < 2; ++half)
        half_panel(a, fold, 16 * p + 8 * half, a.packed + p * gemm_s8::panel_bytes(a.k) + 32 * half,
                   sums + 16 * p + 8 * half);
  });
}

}  // namespace nibble::fold_s8
