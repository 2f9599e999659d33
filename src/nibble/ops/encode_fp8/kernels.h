// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_fp8/encode_fp8.h"

namespace nibble::encode_fp8 {

void portable(const Args&, const Exec&);

}  // namespace nibble::encode_fp8
