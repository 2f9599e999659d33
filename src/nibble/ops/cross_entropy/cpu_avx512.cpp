#include "nibble/cpu/loss_packs_avx512.h"
#include "nibble/ops/cross_entropy/kernel.h"
#include "nibble/ops/cross_entropy/kernels.h"

namespace nibble::cpu {
namespace {

F32x16 noisy(F32x16, const int32_t* sums, int count, uint16_t bits, int32_t step) {
  const __mmask16 there = F32x16::first(count);
  const __m512i x = _mm512_maskz_loadu_epi32(there, sums), s = _mm512_set1_epi32(step);
  const __m512i y = _mm512_mask_add_epi32(_mm512_sub_epi32(x, s), __mmask16(bits), x, s);
  return _mm512_maskz_cvtepi32_ps(there, y);
}

}  // namespace
}  // namespace nibble::cpu

namespace nibble::cross_entropy {

void avx512(const Args& a, const Exec& e) { run_rows<cpu::F32x16, 4>(a, e); }

}  // namespace nibble::cross_entropy
