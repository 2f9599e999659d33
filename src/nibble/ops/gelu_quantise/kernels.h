// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gelu_quantise/gelu_quantise.h"

namespace nibble::gelu_quantise {

inline constexpr int64_t kRowsPerTask = 32;

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);

}  // namespace nibble::gelu_quantise
