// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_ternary/encode_ternary.h"

namespace nibble::encode_ternary {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::encode_ternary
