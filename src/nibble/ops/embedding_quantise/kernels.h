// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/embedding_quantise/embedding_quantise.h"

namespace nibble::embedding_quantise {

// What every variant does, by the encoders' variants of its name.
void run(std::string_view variant, const Args&, const Exec&);

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void sm80(const Args&, const Exec&);
void sm89(const Args&, const Exec&);
void sm100a(const Args&, const Exec&);
void sm120f(const Args&, const Exec&);

}  // namespace nibble::embedding_quantise
