#include "nibble/ops/residual_norm/kernel.h"

namespace nibble::residual_norm {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::residual_norm
