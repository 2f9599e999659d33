// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_int8/encode_int8.h"

namespace nibble::encode_int8 {

void portable(const Args&, const Exec&);

}  // namespace nibble::encode_int8
