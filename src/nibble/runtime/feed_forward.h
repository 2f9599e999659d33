// A feed-forward layer of a checkpoint whose matrices are NVFP4, MXFP4, FP8, int8 or ternary and
// stay packed:
//
//   y[t] = down (silu(gate h) * (up h)),   or without a gate   down gelu(up h)
//   h = x[t] / sqrt(mean(x[t]^2) + eps) * gamma,   gelu in its tanh form
//
// x and y are floats. Activations are rounded twice, h and what down multiplies, token by token,
// in the pass that makes them:
//
//   with a gate   norm_quantise; dual_gemm_* by gate and up; encode_rows; gemm by down
//   in FP8        the same by dual_gemm_fp8_bf16, between passes that round to bf16
//   to s16        norm_quantise; gemm by up, by gate; silu_mul_quantise; gemm by down
//   without       norm_quantise; gemm by up; gelu_tanh_quantise; gemm by down
//
// The scales of tokens go into the epilogues of the products, and so do the tensor scales of gate
// and of up, each to its rows: none is merged.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/view.h"
#include "nibble/ops/encode_rows/encode_rows.h"
#include "nibble/runtime/linear.h"
#include "nibble/runtime/workspaces.h"

namespace nibble {

class FeedForward {
 public:
  struct Weights {
    const PackedWeight* gate = nullptr;  // [inner][cols], or null: GELU
    const PackedWeight* up = nullptr;    // [inner][cols]
    const PackedWeight* down = nullptr;  // [cols][inner]
    std::span<const float> gamma = {};   // [cols], or empty: ones
    float eps = 1e-6f;
  };
  // The weights are in panels of 16 rows, of one format, and outlive this. Throws if they do not
  // fit one another, or if activations are none of activations().
  FeedForward(const Weights&, Activations, const Machine&);

  // What a layer of the format may round to, the default first: s16, s8, nvfp4; beside FP8 bf16,
  // beside MXFP4, int8 and ternary weights s8. None to bf16 without a gate.
  static std::span<const Activations> activations(WeightFormat);

  int64_t cols() const { return up_.cols; }
  int64_t inner() const { return up_.rows; }
  std::string ops() const;  // the products, in order

  // x and y [tokens][cols()], tokens >= 1, x without gaps between rows. One call at a time.
  void operator()(MatrixView<const float> x, MatrixView<float> y, Pool* = nullptr);

 private:
  struct Matrix {
    explicit Matrix(const PackedWeight&);
    int64_t rows, cols;
    const uint8_t* panels;
    std::vector<float> factors;  // as factors_of() has them
  };
  bool dual() const;
  bool in_bf16() const { return activations_ == Activations::bf16; }
  bool in_nvfp4() const { return activations_ == Activations::nvfp4; }
  bf16* halves() { return reinterpret_cast<bf16*>(codes_.data()); }
  encode_rows::Encoded codes();
  template <class Op>
  void product(const Matrix&, int64_t tokens, float* y, int64_t ldy, Pool*);
  void multiply(const Matrix&, int64_t tokens, float* y, int64_t ldy, Pool*);
  template <class Op>
  void gated(int64_t tokens, Pool*);
  void gate(int64_t tokens, Pool*);
  void activate(int64_t tokens, Pool*);

  std::optional<Matrix> gate_;
  Matrix up_, down_;
  std::span<const float> gamma_;
  float eps_;
  WeightFormat format_;
  Activations activations_;
  Machine machine_;
  std::vector<int16_t> codes_;   // of the activations: int16, bf16, int8 or smaller
  std::vector<uint8_t> blocks_;  // scales of their blocks, if they are in NVFP4
  std::vector<float> scales_, inner_, other_;
  Workspaces workspaces_;
};

}  // namespace nibble
