// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_ternary_s8/gemm_ternary_s8.h"

namespace nibble::gemm_ternary_s8 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx_vnni(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm90a(const Args&, const Exec&);
void sm100a(const Args&, const Exec&);
void sm120f(const Args&, const Exec&);

}  // namespace nibble::gemm_ternary_s8
