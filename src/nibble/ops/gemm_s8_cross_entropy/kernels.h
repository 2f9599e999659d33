// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_s8_cross_entropy/gemm_s8_cross_entropy.h"

namespace nibble::gemm_s8_cross_entropy {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx_vnni(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::gemm_s8_cross_entropy
