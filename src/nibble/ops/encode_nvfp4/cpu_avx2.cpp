#include "nibble/ops/encode_nvfp4/kernel.h"

namespace nibble::encode_nvfp4 {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::encode_nvfp4
