// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/embedding_s8/embedding_s8.h"

namespace nibble::embedding_s8 {

inline constexpr int64_t kRowsPerTask = 256;

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::embedding_s8
