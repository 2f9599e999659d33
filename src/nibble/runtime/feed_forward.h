// A gated feed-forward layer of a checkpoint whose matrices are NVFP4 and stay packed:
//
//   y[t] = down (silu(gate h) * (up h)),   h = x[t] / sqrt(mean(x[t]^2) + eps) * gamma
//
// x and y are floats. Activations are rounded twice, h and what down multiplies, token by token,
// in the pass that makes them:
//
//   s16   norm_quantise; gemm_nvfp4_s16 by gate, by up; silu_mul_quantise; gemm_nvfp4_s16
//   s8    norm_quantise; dual_gemm_nvfp4_s8, which writes neither product; encode_rows;
//         gemm_nvfp4_s8
//
// The scales of tokens go into the epilogues of the products, and so do the tensor scales of gate
// and of up, each to its rows: none is merged.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/view.h"
#include "nibble/runtime/linear.h"
#include "nibble/runtime/workspaces.h"

namespace nibble {

class FeedForward {
 public:
  struct Weights {
    const PackedWeight *gate = nullptr, *up = nullptr;  // [inner][cols]
    const PackedWeight* down = nullptr;                 // [cols][inner]
    std::span<const float> gamma = {};                  // [cols], or empty: ones
    float eps = 1e-6f;
  };
  // The weights are in panels of 16 rows and outlive this. Throws if they do not fit one another,
  // or if activations are neither s16 nor s8.
  FeedForward(const Weights&, Activations, const Machine&);

  int64_t cols() const { return gate_.cols; }
  int64_t inner() const { return gate_.rows; }
  std::string ops() const;  // the products, in order

  // x and y [tokens][cols()], tokens >= 1, x without gaps between rows. One call at a time.
  void operator()(MatrixView<const float> x, MatrixView<float> y, Pool* = nullptr);

 private:
  struct Matrix {
    explicit Matrix(const PackedWeight*);
    int64_t rows, cols;
    const uint8_t* panels;
    std::vector<float> factors;  // of rows
  };
  template <class Op>
  void run(typename Op::Args, Pool*);
  template <class Op>
  void multiply(const Matrix&, int64_t tokens, float* y, int64_t ldy, Pool*);
  template <class Code>
  void norm(MatrixView<const float> x, Pool*);

  Matrix gate_, up_, down_;
  std::span<const float> gamma_;
  float eps_;
  Activations activations_;
  Machine machine_;
  std::vector<int16_t> codes_;  // of the activations: int16, or int8 two to an element
  std::vector<float> scales_, inner_, other_;
  Workspaces workspaces_;
};

}  // namespace nibble
