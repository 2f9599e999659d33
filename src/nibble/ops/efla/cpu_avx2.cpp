#include "nibble/cpu/math_avx2.h"
#include "nibble/ops/efla/kernel.h"
#include "nibble/ops/efla/kernels.h"

namespace nibble::efla {

// A vector is two registers: sums of o and r, even and odd, take 8 of 16.
void avx2(const Args& a, const Exec& e) { run_form<cpu::F32x16, 1, 2, false>(a, e); }

}  // namespace nibble::efla
