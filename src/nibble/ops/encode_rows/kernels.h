// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_rows/encode_rows.h"

namespace nibble::encode_rows {

// What every variant does, by the encoders' variants of its name.
void run(std::string_view variant, const Args&, const Exec&);

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm89(const Args&, const Exec&);
void sm100a(const Args&, const Exec&);
void sm120f(const Args&, const Exec&);

}  // namespace nibble::encode_rows
