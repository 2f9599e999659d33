#include "nibble/ops/encode_rows/kernels.h"

namespace nibble::encode_rows {

void portable(const Args& a, const Exec& e) { run("portable", a, e); }

}  // namespace nibble::encode_rows
