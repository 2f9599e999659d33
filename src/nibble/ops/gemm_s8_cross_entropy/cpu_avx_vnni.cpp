#include "nibble/cpu/s8_tile_avx_vnni.h"
#include "nibble/ops/gemm_s8_cross_entropy/ymm.h"

namespace nibble::gemm_s8_cross_entropy {

void avx_vnni(const Args& a, const Exec& e) { run_rows<Tiles<cpu::S8VnniDot>>(a, e); }

}  // namespace nibble::gemm_s8_cross_entropy
