#include <cstring>

#include "nibble/cpu/fold_avx512.h"
#include "nibble/ops/rank1_noise/kernels.h"

namespace nibble::rank1_noise {
namespace {

constexpr int kRows = 16;  // whose dot products are folded together

// Lanes whose sum is sum_k f[k] x[k]. Codes with a negative sign are negated as bytes (-128 is no
// code), shifted to 1..255 and added eight at a time.
__m512i signed_sums(const Args& a, const int8_t* x) {
  const __m512i zero = _mm512_setzero_si512(), flip = _mm512_set1_epi8(char(0x80));
  __m512i sum = zero;
  int blocks = 0;
  const auto add = [&](__m512i v, __mmask64 plus) {
    v = _mm512_mask_sub_epi8(v, ~plus, zero, v);
    sum = _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_xor_si512(v, flip), zero));
    ++blocks;
  };
  int k = 0;
  for (; k + 64 <= a.k; k += 64) {
    uint64_t plus;
    std::memcpy(&plus, a.f + k / 16, sizeof plus);
    add(_mm512_loadu_si512(x + k), plus);
  }
  if (const int rest = a.k - k; rest > 0) {
    uint64_t plus = 0;
    std::memcpy(&plus, a.f + k / 16, size_t(rest) / 8);
    add(_mm512_maskz_loadu_epi8((uint64_t(1) << rest) - 1, x + k), plus);
  }
  // 128 of each byte taken off: lanes of 64 bits, below 2^24, become 16 of 32, every other one 0.
  return _mm512_sub_epi32(sum, _mm512_set1_epi64(blocks * 8 * 128));
}

void block_of_rows(const Args& a, int64_t first, int rows) {
  __m512i lanes[kRows];
  for (int i = 0; i < kRows; ++i)
    lanes[i] = i < rows ? signed_sums(a, a.x + (first + i) * a.ldx) : _mm512_setzero_si512();
  const __m512 product =
      _mm512_mul_ps(_mm512_cvtepi32_ps(cpu::sums_of(lanes)), _mm512_set1_ps(a.unit));
  const __m512 bound = _mm512_set1_ps(0x1p24f);
  const __m512 least = _mm512_sub_ps(_mm512_setzero_ps(), bound);
  const __m512i steps = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(product, least), bound));
  _mm512_mask_storeu_epi32(a.step + first, __mmask16((1u << rows) - 1), steps);
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r += kRows)
      block_of_rows(a, r, end - r < kRows ? int(end - r) : kRows);
  });
}

}  // namespace nibble::rank1_noise
