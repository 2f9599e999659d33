// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gelu_tanh_quantise/gelu_tanh_quantise.h"

namespace nibble::gelu_tanh_quantise {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm89(const Args&, const Exec&);
void sm100a(const Args&, const Exec&);
void sm120f(const Args&, const Exec&);

}  // namespace nibble::gelu_tanh_quantise
