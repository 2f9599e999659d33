// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/absmean_norm/absmean_norm.h"

namespace nibble::absmean_norm {

inline constexpr int64_t kRowsPerTask = 64;

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);

}  // namespace nibble::absmean_norm
