// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemv_bf16/gemv_bf16.h"

namespace nibble::gemv_bf16 {

void portable(const Args&, const Exec&);
void sm80(const Args&, const Exec&);

}  // namespace nibble::gemv_bf16
