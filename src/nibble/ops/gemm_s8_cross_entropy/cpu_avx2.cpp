#include "nibble/ops/gemm_s8_cross_entropy/ymm.h"

namespace nibble::gemm_s8_cross_entropy {

void avx2(const Args& a, const Exec& e) { run_rows<Tiles<cpu::S8WordsDot>>(a, e); }

}  // namespace nibble::gemm_s8_cross_entropy
