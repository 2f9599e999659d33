// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/adam_ternary/adam_ternary.h"

namespace nibble::adam_ternary {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::adam_ternary
