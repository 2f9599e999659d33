// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/grouped_gemm_bf16/grouped_gemm_bf16.h"

namespace nibble::grouped_gemm_bf16 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void avx512_bf16(const Args&, const Exec&);

}  // namespace nibble::grouped_gemm_bf16
