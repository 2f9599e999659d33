// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/encode_mx/encode_mx.h"

namespace nibble::encode_mx {

void portable(const Args&, const Exec&);

}  // namespace nibble::encode_mx
