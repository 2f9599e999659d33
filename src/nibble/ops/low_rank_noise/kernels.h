// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/low_rank_noise/low_rank_noise.h"

namespace nibble::low_rank_noise {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::low_rank_noise
