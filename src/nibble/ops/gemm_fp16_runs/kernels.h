// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_fp16_runs/gemm_fp16_runs.h"

namespace nibble::gemm_fp16_runs {

void portable(const Args&, const Exec&);
void avx512_fp16(const Args&, const Exec&);

}  // namespace nibble::gemm_fp16_runs
