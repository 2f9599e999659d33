#include "nibble/ops/encode_nvfp4/kernel.h"

namespace nibble::encode_nvfp4 {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::encode_nvfp4
