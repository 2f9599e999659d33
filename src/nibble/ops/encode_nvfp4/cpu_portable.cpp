#include "nibble/ops/encode_nvfp4/kernels.h"

namespace nibble::encode_nvfp4 {

void encode_blocks(const Args& a, int64_t begin, int64_t end) {
  const int64_t row = a.cols / kNvfp4Block;
  for (int64_t b = begin; b < end; ++b) {
    float x[kNvfp4Block];
    load_floats(a.x, b * kNvfp4Block, kNvfp4Block, x);
    const Nvfp4Block block = nvfp4_block(a.recipe, a.amax[a.per_row ? b / row : 0], x, a.stochastic,
                                         uint64_t(b * kNvfp4Block));
    a.scales[b] = block.scale;
    for (int j = 0; j < kNvfp4Block; j += 2)
      a.codes[(b * kNvfp4Block + j) / 2] = pack(block.codes[j], block.codes[j + 1]);
  }
}

void portable(const Args& a, const Exec& e) {
  const int64_t row = a.cols / kNvfp4Block;
  parallel_for(e.pool, a.rows, rows_per_task(a.cols),
               [&](int64_t begin, int64_t end) { encode_blocks(a, begin * row, end * row); });
}

}  // namespace nibble::encode_nvfp4
