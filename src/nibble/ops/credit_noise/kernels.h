// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/credit_noise/credit_noise.h"

namespace nibble::credit_noise {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::credit_noise
