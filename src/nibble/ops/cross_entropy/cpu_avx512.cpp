#include "nibble/cpu/fold_avx512.h"
#include "nibble/ops/cross_entropy/kernel.h"
#include "nibble/ops/cross_entropy/kernels.h"

namespace nibble::cross_entropy {

void avx512(const Args& a, const Exec& e) { run_rows<cpu::F32x16>(a, e); }

}  // namespace nibble::cross_entropy
