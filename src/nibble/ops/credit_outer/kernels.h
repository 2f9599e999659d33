// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/credit_outer/credit_outer.h"

namespace nibble::credit_outer {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512_vnni(const Args&, const Exec&);

}  // namespace nibble::credit_outer
