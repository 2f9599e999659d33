// The byte language model in the product's arithmetic: int8 residual and activations, ternary (or
// int8) weights, int32 sums.
//
//   x = W_embedding onehot(symbol)              codes of 1 / residual_unit
//   per block   x += head_norm(efla(W_mixer [y_(t-shift) .. y_t]))      y = abs-mean norm of x
//               x += W_ffn2 relu2(W_ffn1 [y_(t-shift) .. y_t])
//   logits = head_scale W_head y + bias
//
// or gelu in place of relu2. A code of y and of the hidden layer is 1/16; y has a mean magnitude
// of 12.8 codes. A fixed embedding is random and ternary, and looked up; a trained one is a matrix
// as the others, in their format, with rows of which one code is not zero for its inputs.
//
// Weights are codes of int8. ternary: -1, 0, 1. int8: -127..127. nvfp4: 2 q s, where q is one of
// e2m1's 0, 0.5, 1, 1.5, 2, 3, 4, 6 and s one of 1..10, the scale of a block of 16 inputs: s is
// exact in E4M3 and |2 q s| <= 120, so an NVFP4 tensor (with 1/60 as its global scale) is
// multiplied without rounding by the kernels of int8.
//
// bf16: 256 times the shadow, rounded to bf16 and multiplied as that by the int8 activations, with
// float sums in one order, which are rounded once to whole steps (gemm_bf16_s8): from there on as
// the sums of codes.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "nibble/models/efla_lm/config.h"
#include "nibble/numerics/bf16.h"
#include "nibble/runtime/buffer.h"

namespace nibble::efla_lm {

inline constexpr float kActivationUnit = 16;  // codes per 1.0
inline constexpr float kMeanCode = 12.8f;     // of a normed row: 0.8
// The one in a row that the embedding is multiplied by: noise has steps of 1 / 64 of a ternary
// weight.
inline constexpr int8_t kOneHot = 64;

enum class Stage : uint8_t { embedding, mixer, ffn1, ffn2, head };

// A weight matrix, inputs to outputs. Rows of [k][n] are inputs; outputs from `outputs` on are
// padding; so are the embedding's inputs from `symbols` on.
struct Matrix {
  std::string name;  // "embedding", "block0.ffn1", "head"
  Stage stage;
  int block;  // -1 before the first
  WeightFormat format;
  int k, n, outputs;
  int gap;                        // tokens before the current one that it reads
  float scale;                    // value of one step of its int32 sums
  int max_code;                   // largest weight: 1 if ternary
  float code_scale, limit, init;  // of the shadow: codes per 1.0, its bound, its first half width
  Buffer<int8_t> weight;          // packed for gemm_s8, or
  Buffer<bf16> wide;              // if bf16: for gemm_bf16_s8

  int64_t size() const { return int64_t(k) * n; }
};

struct Model {
  Model(const Config&, int symbols);  // throws nibble::Error for a shape it cannot have

  const Matrix& at(Stage, int block) const;
  bool embeds() const { return shape.embedding == Embedding::trained; }
  int64_t parameters() const;

  Config shape;
  int symbols, padded_symbols;
  int mixer_outputs = 0, mixer_n = 0;  // q, k, v, beta; and padded
  // The embedding, if trained; block by block mixer (if any), ffn1, ffn2; then head.
  std::vector<Matrix> matrices;
  Buffer<int8_t> embedding;  // [symbols][hidden]; if fixed
  Buffer<float> bias;        // [padded_symbols], zero from `symbols` on
};

// What a shadow is clamped to, on both sides.
float shadow_limit(WeightFormat);
// Weights from their shadow [k][n]: rounded and packed.
void project(Matrix&, const float* shadow);

}  // namespace nibble::efla_lm
