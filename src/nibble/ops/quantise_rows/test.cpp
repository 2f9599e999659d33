#include "nibble/harness/verify.h"
#include "nibble/ops/quantise_rows/quantise_rows.h"

using namespace nibble;
using namespace nibble::quantise_rows;

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 2, .ldx = 1}).ok();
  return harness::verify_main("quantise_rows", refused);
}
