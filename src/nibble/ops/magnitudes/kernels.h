// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/magnitudes/magnitudes.h"

namespace nibble::magnitudes {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);

}  // namespace nibble::magnitudes
