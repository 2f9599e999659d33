// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_int8/encode_int8.h"

namespace nibble::encode_int8 {

void encode_row(const Args&, int64_t row);  // also where its scale is 0 or not finite

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);

}  // namespace nibble::encode_int8
