#include "nibble/ops/rmsnorm_quantise/kernel.h"

namespace nibble::rmsnorm_quantise {

void avx2(const Args& a, const Exec& e) { run("avx2", a, e); }

}  // namespace nibble::rmsnorm_quantise
