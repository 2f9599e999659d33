#include "nibble/cpu/math_avx512.h"
#include "nibble/ops/efla/kernel.h"
#include "nibble/ops/efla/kernels.h"

namespace nibble::efla {

// 32 columns: 8 chains of sums, 4 cycles apart.
void avx512(const Args& a, const Exec& e) { run_form<cpu::F32x16, 2, 4, true>(a, e); }

}  // namespace nibble::efla
