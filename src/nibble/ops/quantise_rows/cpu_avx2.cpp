#include "nibble/ops/quantise_rows/kernel.h"

namespace nibble::quantise_rows {

void avx2(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::quantise_rows
