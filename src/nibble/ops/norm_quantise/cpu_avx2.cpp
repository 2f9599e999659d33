#include "nibble/ops/norm_quantise/kernel.h"

namespace nibble::norm_quantise {

void avx2(const Args& a, const Exec& e) { run("avx2", a, e, 8); }

}  // namespace nibble::norm_quantise
