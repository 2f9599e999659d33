#include "nibble/ops/norm_quantise/kernel.h"

namespace nibble::norm_quantise {

void avx512(const Args& a, const Exec& e) { run("avx512", a, e, 2); }

}  // namespace nibble::norm_quantise
