// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"

namespace nibble::gemm_nvfp4_s16 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx_vnni(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::gemm_nvfp4_s16
