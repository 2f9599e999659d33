// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/toy_op/toy_op.h"

namespace nibble::toy_op {

void portable(const Args&, const Exec&);

}  // namespace nibble::toy_op
