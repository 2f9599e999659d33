// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/decode_fp8/decode_fp8.h"

namespace nibble::decode_fp8 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::decode_fp8
