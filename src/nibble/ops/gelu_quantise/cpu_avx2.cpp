#include "nibble/cpu/math_avx2.h"
#include "nibble/cpu/s8_avx2.h"
#include "nibble/ops/gelu_quantise/gelu.h"

namespace nibble::gelu_quantise {

void avx2(const Args& a, const Exec& e) {
  run<cpu::F32x16>(a, e, [](int8_t* y, cpu::F32x16 x, int count) {
    cpu::store_s8(y, cpu::to_s8_epi32(x.lo), count);
    if (count > 8) cpu::store_s8(y + 8, cpu::to_s8_epi32(x.hi), count - 8);
  });
}

}  // namespace nibble::gelu_quantise
