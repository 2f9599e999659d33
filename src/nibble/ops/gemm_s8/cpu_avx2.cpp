#include "nibble/ops/gemm_s8/ymm.h"

namespace nibble::gemm_s8 {

void avx2(const Args& a, const Exec& e) { multiply<cpu::S8WordsDot, 4>(a, e); }

}  // namespace nibble::gemm_s8
