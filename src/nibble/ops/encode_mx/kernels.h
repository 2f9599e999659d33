// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_mx/encode_mx.h"

namespace nibble::encode_mx {

// Blocks begin..end of the matrix, one by one: also those that are not finite.
void encode_blocks(const Args&, int64_t begin, int64_t end);

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm89(const Args&, const Exec&);
void sm120f(const Args&, const Exec&);
void sm100a(const Args&, const Exec&);

}  // namespace nibble::encode_mx
