#include "nibble/numerics/lanes.h"
#include "nibble/ops/cross_entropy/kernel.h"
#include "nibble/ops/cross_entropy/kernels.h"

namespace nibble::cross_entropy {

void portable(const Args& a, const Exec& e) { run_rows<numerics::F32x16, 1>(a, e); }

}  // namespace nibble::cross_entropy
