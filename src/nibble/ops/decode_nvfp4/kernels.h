// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"

namespace nibble::decode_nvfp4 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512(const Args&, const Exec&);
void avx512_stream(const Args&, const Exec&);  // stores past the caches where y is aligned

}  // namespace nibble::decode_nvfp4
