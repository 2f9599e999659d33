// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemv_fp8_bf16/gemv_fp8_bf16.h"

namespace nibble::gemv_fp8_bf16 {

void portable(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm89(const Args&, const Exec&);
void sm90a(const Args&, const Exec&);
void sm100a(const Args&, const Exec&);
void sm120f(const Args&, const Exec&);

}  // namespace nibble::gemv_fp8_bf16
