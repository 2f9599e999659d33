// A layer of experts of a checkpoint whose matrices are NVFP4, MXFP4, FP8, int8 or ternary:
//
//   y[t] = sum_j share[t][j] * down_e (silu(gate_e h) * (up_e h)),   e = expert[t][j], j < top
//   h = x[t] / sqrt(mean(x[t]^2) + eps) * gamma
//
// Experts and shares of a token are those of runtime/routing.h.
//
// Activations are rounded twice, to int8: h by norm_quantise, once for all its experts, and what
// down multiplies by silu_mul_quantise. Tokens are sorted by expert, so that grouped_gemm_*_s8
// reads a matrix once for all of them, and the sum over j is in float, in order. In FP8 they are
// rounded to bf16, and dual_gemm_fp8_bf16 of each expert in turn makes of h what
// grouped_gemm_fp8_bf16 multiplies by down. Beside NVFP4 they may be NVFP4, too.
//
// The panels of the experts are copied, to lie behind one another.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/view.h"
#include "nibble/ops/encode_rows/encode_rows.h"
#include "nibble/runtime/linear.h"
#include "nibble/runtime/routing.h"
#include "nibble/runtime/workspaces.h"

namespace nibble {

class Experts {
 public:
  struct Weights {
    std::vector<const PackedWeight*> gate, up;  // of each expert [inner][cols]
    std::vector<const PackedWeight*> down;      // [cols][inner]
    std::shared_ptr<Linear> router = nullptr;   // [experts][cols], or null
    std::span<const float> gamma = {};          // [cols], or empty: ones
    float eps = 1e-6f;
  };
  // The weights are in panels of 16 rows, and gamma outlives this. Throws if they do not fit one
  // another, if there are not so many experts, or if activations are none of activations().
  Experts(const Weights&, int top, Activations, const Machine&);

  // What a layer of the format may round to, the default first.
  static std::span<const Activations> activations(WeightFormat);

  int64_t cols() const { return up_.cols; }
  int64_t inner() const { return up_.rows; }
  int experts() const { return routing_.experts(); }
  int top() const { return routing_.top(); }
  int64_t bytes_of_one() const { return gate_.stride + up_.stride + down_.stride; }
  std::string ops() const;  // the products, in order

  // x and y [tokens][cols()], tokens >= 1, x without gaps between rows. One call at a time.
  void operator()(MatrixView<const float> x, MatrixView<float> y, Pool* = nullptr);
  const Routes& routes() const { return routing_.routes(); }  // of the last call

 private:
  struct Matrices {
    explicit Matrices(const std::vector<const PackedWeight*>&);
    int64_t rows, cols, stride;  // bytes from one to the next
    Buffer<std::byte> panels;
    std::vector<float> factors;  // [experts], of each as factors_of() has them
    const uint8_t* of(int64_t expert) const {
      return reinterpret_cast<const uint8_t*>(panels.data()) + expert * stride;
    }
  };
  void normalise_tokens(MatrixView<const float> x, Pool*);
  void gather(int64_t tokens, Pool*);
  template <class Op>
  void product(const Matrices&, int64_t rows, float* y, Pool*);
  void multiply(const Matrices&, int64_t rows, float* y, Pool*);
  void each_gated(Pool*);
  void activate(int64_t rows, Pool*);
  encode_rows::Encoded encoded(std::vector<int8_t>& codes, std::vector<uint8_t>& blocks,
                               std::vector<float>& scales) const;
  int64_t code_bytes(int64_t elements) const;
  bool in_bf16() const { return activations_ == Activations::bf16; }
  bool in_nvfp4() const { return activations_ == Activations::nvfp4; }

  WeightFormat format_;
  Activations activations_;
  Matrices gate_, up_, down_;
  Routing routing_;
  std::span<const float> gamma_;
  float eps_;
  Machine machine_;
  // Of tokens; of rows, sorted by expert: int8, bf16 in two elements, or two of NVFP4 in one, whose
  // blocks have scales.
  std::vector<int8_t> h_, codes_;
  std::vector<uint8_t> h_blocks_, blocks_;
  std::vector<float> h_scales_, scales_, one_, other_;
  Workspaces workspaces_;
};

}  // namespace nibble
