// encode_nvfp4:  x[r][c]  ->  codes[r][c] e2m1,  scales[r][c / 16] e4m3
//
// NVFP4 by a named recipe (numerics/nvfp4_recipe.h), byte for byte: codes two to a byte, the even
// column in the low nibble; scales linear (numerics/scale_layout.h reorders them). The tensor scale
// follows from amax alone, nvfp4_tensor(recipe, amax): amax is the greatest magnitude of the tensor
// or, per row, of each row, as op magnitudes finds it, or a greater one that tensors share. Recipes
// without a tensor scale do not read amax's value.
//
// With `stochastic`, elements are rounded as numerics/stochastic.h says, numbered row by row;
// scales are not. Recipes that search for scales or elements refuse it.
//
// Zeros, subnormals and -0: -0 has code 0 (torchao: 8) and a value that rounds to zero keeps its
// sign (ggml: has none). A block of zeros has the recipe's zero scale (te, vllm, 4o6, ggml 0x00,
// modelopt 0x38, torchao 0x08, ct 0x20) and codes 0, also where the tensor is all zero.
// Overflow: an element past 6 scales is +-6. NaN: the scale of its block is 0x7f, its codes are 7,
// those of zeros 0; in ggml scale and codes are 0. A NaN amax does that to all blocks. Infinities
// and an infinite amax have the answers of numerics/nvfp4.h, one a mode, on every machine the same.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/nvfp4_recipe.h"

namespace nibble::encode_nvfp4 {

struct Args {
  int64_t rows = 0, cols = 0;  // cols: a multiple of 16
  Nvfp4Recipe recipe;
  bool per_row = false;         // an amax for each row, else one
  Stochastic stochastic;        // off: to nearest
  Floats x;                     // [rows][cols]
  const float* amax = nullptr;  // [per_row ? rows : 1]
  e2m1x2* codes = nullptr;      // [rows][cols / 2]
  e4m3* scales = nullptr;       // [rows][cols / 16]
};

struct Op {
  using Args = encode_nvfp4::Args;
  static constexpr std::string_view name = "encode_nvfp4";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 4 * a.rows * a.cols,
            .bytes = a.rows * a.cols * bytes_of(a.x.type) + a.rows * a.cols / 16 * 9,
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::encode_nvfp4
