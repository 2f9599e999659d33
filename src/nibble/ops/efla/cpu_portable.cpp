#include "nibble/numerics/lanes.h"
#include "nibble/ops/efla/kernel.h"
#include "nibble/ops/efla/kernels.h"

namespace nibble::efla {

void portable(const Args& a, const Exec& e) { run_form<numerics::F32x16, 1, 1, false>(a, e); }

}  // namespace nibble::efla
