// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/decode_ternary/decode_ternary.h"

namespace nibble::decode_ternary {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::decode_ternary
