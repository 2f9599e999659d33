#include "nibble/harness/verify.h"
#include "nibble/ops/encode_rows/encode_rows.h"

using namespace nibble;
using namespace nibble::encode_rows;

int main() {
  uint8_t codes[64], blocks[4];
  float scale[1], x[32] = {};
  const Encoded nvfp4{.codes = codes, .block_scales = blocks, .scales = scale};
  Encoded searched = nvfp4, half = nvfp4, mx = nvfp4;
  searched.recipe = Nvfp4::ggml, half.scales = nullptr, mx.format = Format::mxfp4;
  const auto takes = [&](int64_t cols, const Encoded& to) {
    return Op::check({.rows = 1, .cols = cols, .x = x, .to = to}).ok();
  };
  const bool checked = takes(32, nvfp4) && !takes(24, nvfp4) && !takes(32, searched) &&
                       !takes(32, half) && !takes(32, mx) && !Op::check({}).ok();
  return harness::verify_main("encode_rows", checked);
}
