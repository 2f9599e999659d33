// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/quantise_rows/quantise_rows.h"

namespace nibble::quantise_rows {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);

}  // namespace nibble::quantise_rows
