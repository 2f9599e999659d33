#include "nibble/ops/rmsnorm_quantise/kernel.h"

namespace nibble::rmsnorm_quantise {

void avx512(const Args& a, const Exec& e) { run("avx512", a, e); }

}  // namespace nibble::rmsnorm_quantise
