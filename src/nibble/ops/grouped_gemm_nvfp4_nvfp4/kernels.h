// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/grouped_gemm_nvfp4_nvfp4/grouped_gemm_nvfp4_nvfp4.h"

namespace nibble::grouped_gemm_nvfp4_nvfp4 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx_vnni(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::grouped_gemm_nvfp4_nvfp4
