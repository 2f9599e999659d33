// A mode of NVFP4 by its name, and a block encoded by it: what encode_nvfp4 does to 16 elements.
#pragma once
#include <string_view>

#include "nibble/numerics/four_over_six.h"
#include "nibble/numerics/nvfp4.h"
#include "nibble/numerics/stochastic.h"

namespace nibble {

struct Nvfp4Recipe {
  Nvfp4 mode = Nvfp4::te;
  bool four_over_six = false;  // then `mode` does not count, and these do
  FourOverSixSequence sequence = FourOverSixSequence::transformer_engine;
  FourOverSixError error = FourOverSixError::mae;
  float greatest_scale = 448;  // 448 or 256
};

struct NamedNvfp4Recipe {
  std::string_view name;
  Nvfp4Recipe recipe;
};

namespace nvfp4_detail {
constexpr Nvfp4Recipe by(FourOverSixSequence sequence, FourOverSixError error, float greatest) {
  return {.four_over_six = true, .sequence = sequence, .error = error, .greatest_scale = greatest};
}
}  // namespace nvfp4_detail

// The mode `ct` of compressed-tensors is ct-bf16 for bf16 tensors and ct-f32 for others.
inline constexpr NamedNvfp4Recipe kNvfp4Recipes[] = {
    {"te", {Nvfp4::te}},
    {"vllm", {Nvfp4::vllm}},
    {"modelopt", {Nvfp4::modelopt}},
    {"torchao", {Nvfp4::torchao}},
    {"torchao-single", {Nvfp4::torchao_single}},
    {"ct-f32", {Nvfp4::ct_f32}},
    {"ct-bf16", {Nvfp4::ct_bf16}},
    {"ggml", {Nvfp4::ggml}},
    {"4o6-te",
     nvfp4_detail::by(FourOverSixSequence::transformer_engine, FourOverSixError::mae, 448)},
    {"4o6-te-mae-256",
     nvfp4_detail::by(FourOverSixSequence::transformer_engine, FourOverSixError::mae, 256)},
    {"4o6-te-mse",
     nvfp4_detail::by(FourOverSixSequence::transformer_engine, FourOverSixError::mse, 448)},
    {"4o6-te-mse-256",
     nvfp4_detail::by(FourOverSixSequence::transformer_engine, FourOverSixError::mse, 256)},
    {"4o6-ref", nvfp4_detail::by(FourOverSixSequence::authors, FourOverSixError::mse, 256)},
    {"4o6-ref-mae", nvfp4_detail::by(FourOverSixSequence::authors, FourOverSixError::mae, 256)},
    {"4o6-ref-abs-max",
     nvfp4_detail::by(FourOverSixSequence::authors, FourOverSixError::abs_max, 256)},
    {"4o6-ref-static-6",
     nvfp4_detail::by(FourOverSixSequence::authors, FourOverSixError::map6, 448)},
};

NIBBLE_HD constexpr FourOverSix four_over_six_of(const Nvfp4Recipe& r, float amax) {
  return {
      .sequence = r.sequence, .error = r.error, .greatest_scale = r.greatest_scale, .amax = amax};
}

// What the greatest magnitude of a tensor (or row) means in the recipe. amax >= 0, or NaN.
constexpr Nvfp4Tensor nvfp4_tensor(const Nvfp4Recipe& r, float amax) {
  if (!r.four_over_six) return nvfp4_tensor(r.mode, amax);
  const FourOverSix f = four_over_six_of(r, amax);
  return {nvfp4_detail::four_over_six_encode(f), four_over_six_decode(f)};
}

struct Nvfp4Block {
  e4m3 scale;
  e2m1 codes[kNvfp4Block];
};

// Whether elements may be rounded stochastically: not where they are searched for.
constexpr bool can_round_stochastically(const Nvfp4Recipe& r) {
  return !r.four_over_six && r.mode != Nvfp4::ggml;
}

// x: 16 elements of a tensor (or row) of that greatest magnitude, the first with that number.
constexpr Nvfp4Block nvfp4_block(const Nvfp4Recipe& r, float tensor_amax, const float* x,
                                 const Stochastic& stochastic = {}, uint64_t number = 0) {
  Nvfp4Block b;
  if (r.four_over_six) {
    const FourOverSixBlock chosen = four_over_six(four_over_six_of(r, tensor_amax), x);
    b.scale = chosen.scale;
    for (int i = 0; i < kNvfp4Block; ++i) b.codes[i] = chosen.codes[i];
    return b;
  }
  const Nvfp4Tensor t = nvfp4_tensor(r.mode, tensor_amax);
  b.scale = nvfp4_scale(r.mode, t, amax_of(x, kNvfp4Block));
  for (int i = 0; i < kNvfp4Block; ++i)
    if (stochastic.on && x[i] != 0)
      b.codes[i] = to_e2m1_stochastic(nvfp4_scaled(r.mode, t, b.scale, x[i]),
                                      random_bits(stochastic, number + uint64_t(i)));
    else
      b.codes[i] = nvfp4_element(r.mode, t, b.scale, x[i]);
  return b;
}

}  // namespace nibble
