#include "nibble/ops/encode_rows/kernels.h"

namespace nibble::encode_rows {

void avx2(const Args& a, const Exec& e) { run("avx2", a, e); }

}  // namespace nibble::encode_rows
