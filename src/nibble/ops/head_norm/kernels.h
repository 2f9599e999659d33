// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/head_norm/head_norm.h"

namespace nibble::head_norm {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::head_norm
