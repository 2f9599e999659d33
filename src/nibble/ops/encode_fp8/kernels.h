// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_fp8/encode_fp8.h"

namespace nibble::encode_fp8 {

// Rows begin..end and columns from..to as one tile, number `at`: also for tiles that are not
// finite.
void encode_tile(const Args&, int64_t begin, int64_t end, int64_t from, int64_t to, int64_t at);

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm89(const Args&, const Exec&);

}  // namespace nibble::encode_fp8
