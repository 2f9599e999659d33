#include "nibble/ops/encode_mx/kernel.h"

namespace nibble::encode_mx {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::encode_mx
