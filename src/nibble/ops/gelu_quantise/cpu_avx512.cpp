#include "nibble/cpu/math_avx512.h"
#include "nibble/cpu/s8_avx512.h"
#include "nibble/ops/gelu_quantise/gelu.h"

namespace nibble::gelu_quantise {

void avx512(const Args& a, const Exec& e) {
  run<cpu::F32x16>(a, e, [](int8_t* y, cpu::F32x16 x, int count) {
    _mm_mask_storeu_epi8(y, cpu::F32x16::first(count), cpu::to_s8(x.v));
  });
}

}  // namespace nibble::gelu_quantise
