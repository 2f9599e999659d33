#include "nibble/ops/encode_rows/kernels.h"

namespace nibble::encode_rows {

void avx512(const Args& a, const Exec& e) { run("avx512", a, e); }

}  // namespace nibble::encode_rows
