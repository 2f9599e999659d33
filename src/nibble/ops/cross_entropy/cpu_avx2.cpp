#include "nibble/cpu/math_avx2.h"
#include "nibble/ops/cross_entropy/kernel.h"
#include "nibble/ops/cross_entropy/kernels.h"

namespace nibble::cross_entropy {

void avx2(const Args& a, const Exec& e) { run_rows<cpu::F32x16, 1>(a, e); }

}  // namespace nibble::cross_entropy
