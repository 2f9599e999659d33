#include "nibble/cpu/s8_tile_avx_vnni.h"
#include "nibble/ops/gemm_s8/ymm.h"

namespace nibble::gemm_s8 {

// 6 rows x 2 sums, 2 for b, 1 for a: 15 of 16 registers.
void avx_vnni(const Args& a, const Exec& e) { multiply<cpu::S8VnniDot, 6>(a, e); }

}  // namespace nibble::gemm_s8
