// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/grouped_gemm_fp16/grouped_gemm_fp16.h"

namespace nibble::grouped_gemm_fp16 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::grouped_gemm_fp16
