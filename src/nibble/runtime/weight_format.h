// How a weight matrix is quantised, and under which names a checkpoint keeps the parts.
//
//   format     codes                     scales                        tensor scale
//   nvfp4      e2m1, two a byte          e4m3 per 16                   a float
//   mxfp4      e2m1, two a byte          ue8m0 per 32
//   mxfp8      e4m3, or e5m2 if asked    ue8m0 per 32
//   fp8        e4m3                      a float per tensor or row
//   fp8_block  e4m3                      float or ue8m0 per 128 x 128
//   int8       -127 .. 127               a float per row
//   ternary    two_bit or base3          a float per tensor
//
// Layouts, for a weight P.weight:
//
//   modelopt            P.weight, P.weight_scale, nvfp4: P.weight_scale_2, which multiplies
//   compressed-tensors  P.weight_packed (fp4) or P.weight, P.weight_scale, nvfp4:
//                       P.weight_global_scale, which divides
//   deepseek            fp8_block: P.weight, P.weight_scale_inv, which multiplies;
//                       with ue8m0 scales, and for mxfp4: P.weight, P.scale
//   blocks              mxfp4: P_blocks [.., K / 32, 16], P_scales [.., K / 32]
//   plain               T, T.scale, nvfp4: T.global_scale, which multiplies; for any name T;
//                       T.hadamard, signs of the transform that rows went through
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nibble/numerics/mx.h"
#include "nibble/numerics/nvfp4_recipe.h"
#include "nibble/numerics/ternary_packed.h"
#include "nibble/ops/encode_fp8/encode_fp8.h"

namespace nibble {

enum class WeightFormat : uint8_t { nvfp4, mxfp4, mxfp8, fp8, fp8_block, int8, ternary };
enum class Layout : uint8_t { modelopt, compressed_tensors, deepseek, blocks, plain };

std::string_view to_string(WeightFormat);            // "fp8-block"
std::string_view to_string(Layout);                  // "compressed-tensors"
WeightFormat parse_weight_format(std::string_view);  // throws, naming all
Layout parse_layout(std::string_view);

// Has the layout names for the format?
bool supports(Layout, WeightFormat);
// The one that most readers of the format know.
Layout usual_layout(WeightFormat);

// Everything that says how a matrix of floats becomes codes and scales.
struct Encoding {
  WeightFormat format = WeightFormat::nvfp4;
  std::string_view mode;  // its name
  Nvfp4Recipe recipe;     // nvfp4
  MxScale rule = MxScale::rceil;
  MxFormat element = MxFormat::e4m3;  // mxfp8; e5m2 in the layout plain alone
  encode_fp8::Tile tile = encode_fp8::Tile::tensor;
  Fp8Scale scale = Fp8Scale::f32;
  TernaryPacking packing = TernaryPacking::two_bit;
  Stochastic stochastic;             // nvfp4: how elements are rounded
  std::optional<uint16_t> hadamard;  // signs: what is encoded are rows that op hadamard16 made
};
constexpr bool is_base3(const Encoding& e) {
  return e.format == WeightFormat::ternary && e.packing == TernaryPacking::base3;
}
// By the name of a mode; empty: the first of modes_of(). `source` is the type that is encoded,
// which the mode ct goes by. Throws, naming all modes of the format.
Encoding encoding_of(WeightFormat, std::string_view mode, DType source);
std::string modes_of(WeightFormat);  // "te, vllm, ..."

// Sizes of the parts of [rows][cols].
struct Parts {
  int64_t code_cols = 0;                   // bytes in a row of codes
  int64_t scale_rows = 0, scale_cols = 0;  // in scales
  int scale_bytes = 1;                     // of one
  bool tensor_scale = false;
};
Parts parts_of(const Encoding&, int64_t rows, int64_t cols);
// Empty, or why rows of so many columns cannot be of the format.
std::string refusal(WeightFormat, int64_t cols);

}  // namespace nibble
