// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/hadamard16/hadamard16.h"

namespace nibble::hadamard16 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::hadamard16
