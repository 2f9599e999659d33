#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"

namespace nibble::encode_nvfp4 {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1 || a.cols % 16 != 0)
    return Status::error(
        "encode_nvfp4: rows must be positive and cols a positive multiple of 16, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!readable(a.x.type)) return Status::error("encode_nvfp4: x must be f32, bf16 or fp16");
  if (!a.x.data || !a.amax || !a.codes || !a.scales)
    return Status::error("encode_nvfp4: x, amax, codes and scales must not be null");
  if (a.recipe.four_over_six && a.recipe.greatest_scale != 448 && a.recipe.greatest_scale != 256)
    return Status::error("encode_nvfp4: the greatest scale must be 448 or 256, got " +
                         std::to_string(a.recipe.greatest_scale));
  if (a.stochastic.on && !can_round_stochastically(a.recipe))
    return Status::error("encode_nvfp4: ggml and four over six round to nearest only");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, a.rows * a.cols);
  v.in("amax", a.amax, a.per_row ? a.rows : 1);
  v.out("codes", a.codes, a.rows * a.cols / 2);
  v.out("scales", a.scales, a.rows * a.cols / kNvfp4Block);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; c += kNvfp4Block) {
      float x[kNvfp4Block];
      load_floats(a.x, r * a.cols + c, kNvfp4Block, x);
      const Nvfp4Block b = nvfp4_block(a.recipe, a.amax[a.per_row ? r : 0], x, a.stochastic,
                                       uint64_t(r * a.cols + c));
      a.scales[(r * a.cols + c) / kNvfp4Block] = b.scale;
      for (int i = 0; i < kNvfp4Block; i += 2)
        a.codes[(r * a.cols + c + i) / 2] = pack(b.codes[i], b.codes[i + 1]);
    }
}

}  // namespace nibble::encode_nvfp4
