#include "nibble/ops/encode_nvfp4/kernels.h"

namespace nibble::encode_nvfp4 {

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.cols; i < end * a.cols; i += kNvfp4Block) {
      float x[kNvfp4Block];
      load_floats(a.x, i, kNvfp4Block, x);
      const Nvfp4Block b = nvfp4_block(a.recipe, a.amax[a.per_row ? i / a.cols : 0], x);
      a.scales[i / kNvfp4Block] = b.scale;
      for (int j = 0; j < kNvfp4Block; j += 2)
        a.codes[(i + j) / 2] = pack(b.codes[j], b.codes[j + 1]);
    }
  });
}

}  // namespace nibble::encode_nvfp4
