// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/shadow_update/shadow_update.h"

namespace nibble::shadow_update {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);

// The new moving average from the pieces' sums, and what to multiply z by. Not compiled for an ISA.
float inverse_rms(const Args&);

}  // namespace nibble::shadow_update
