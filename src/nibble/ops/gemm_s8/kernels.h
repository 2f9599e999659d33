// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_s8/gemm_s8.h"

namespace nibble::gemm_s8 {

// Rows per task: a panel of b is read once for so many rows of a. Fixed, so that the split does not
// depend on the number of threads.
inline constexpr int64_t kRowsPerTask = 64;

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx_vnni(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::gemm_s8
