#include "nibble/ops/head_norm/kernel.h"

namespace nibble::head_norm {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::head_norm
