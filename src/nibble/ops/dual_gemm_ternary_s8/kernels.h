// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/dual_gemm_ternary_s8/dual_gemm_ternary_s8.h"

namespace nibble::dual_gemm_ternary_s8 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx_vnni(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::dual_gemm_ternary_s8
