// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/rank1_noise/rank1_noise.h"

namespace nibble::rank1_noise {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::rank1_noise
