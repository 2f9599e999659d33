#include "nibble/harness/verify.h"
#include "nibble/ops/embedding_quantise/embedding_quantise.h"

using namespace nibble;
using namespace nibble::embedding_quantise;

int main() {
  uint8_t codes[16], blocks[2];
  float scale[1], table[64] = {};
  const int32_t id = 1;
  const auto takes = [&](const int32_t* ids, int64_t vocabulary) {
    return Op::check({.rows = 1,
                      .cols = 32,
                      .vocabulary = vocabulary,
                      .ids = ids,
                      .table = table,
                      .to = {.codes = codes, .block_scales = blocks, .scales = scale}})
        .ok();
  };
  const bool checked = takes(&id, 2) && !takes(nullptr, 2) && !takes(&id, 0) && !Op::check({}).ok();
  return harness::verify_main("embedding_quantise", checked);
}
