// Gated feed-forward layers and layers of experts of a checkpoint whose matrices are not quantised,
// but f32, bf16 or fp16, all of a layer alike:
//
//   y[t] = down (silu(gate h) * (up h)),   h = x[t] / sqrt(mean(x[t]^2) + eps) * gamma
//   y[t] = sum_j share[t][j] * that of expert[t][j],   as runtime/routing.h has them
//
// x and y are floats; h and what down multiplies are rounded to the type of the matrices. Tokens of
// experts are sorted, and a matrix is read once for all of its own:
//
//   feed-forward   dual_gemm_*; gemm_* by down
//   experts        dual_gemm_* for each expert that has tokens; grouped_gemm_* by down
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/view.h"
#include "nibble/runtime/buffer.h"
#include "nibble/runtime/routing.h"
#include "nibble/runtime/whole.h"
#include "nibble/runtime/workspaces.h"

namespace nibble {

// The matrices of a layer: of each expert, or of one.
struct WholeMatrices {
  std::vector<WholeWeight> gate, up;  // [inner][cols]
  std::vector<WholeWeight> down;      // [cols][inner]
};

class WholeFeedForward {
 public:
  // gamma [cols], or empty, outlives this. Throws if the matrices do not fit one another.
  WholeFeedForward(WholeMatrices, std::span<const float> gamma, float eps, const Machine&);

  int64_t cols() const { return weights_.up[0].cols; }
  int64_t inner() const { return weights_.up[0].rows; }
  int64_t bytes() const;    // of weights
  std::string ops() const;  // the products, in order

  // x and y [tokens][cols()], tokens >= 1. One call at a time.
  void operator()(MatrixView<const float> x, MatrixView<float> y, Pool* = nullptr);

 private:
  template <class T>
  void run(MatrixView<const float> x, MatrixView<float> y, Pool*);

  WholeMatrices weights_;
  std::span<const float> gamma_;
  float eps_;
  Machine machine_;
  Buffer<std::byte> rounded_;
  std::vector<float> h_, inner_;
  Workspaces workspaces_;
};

class WholeExperts {
 public:
  // As WholeFeedForward; router [experts][cols], or null: tokens take the experts in turn.
  WholeExperts(WholeMatrices, std::shared_ptr<Linear> router, int top, std::span<const float> gamma,
               float eps, const Machine&);

  int64_t cols() const { return weights_.up[0].cols; }
  int64_t inner() const { return weights_.up[0].rows; }
  int experts() const { return routing_.experts(); }
  int top() const { return routing_.top(); }
  int64_t bytes_of_one() const;
  std::string ops() const;

  void operator()(MatrixView<const float> x, MatrixView<float> y, Pool* = nullptr);
  const Routes& routes() const { return routing_.routes(); }  // of the last call

 private:
  template <class T>
  void run(MatrixView<const float> x, MatrixView<float> y, Pool*);

  WholeMatrices weights_;
  int64_t down_stride_ = 0;  // elements from one to the next
  Buffer<std::byte> down_;   // all of them
  Routing routing_;
  std::span<const float> gamma_;
  float eps_;
  Machine machine_;
  Buffer<std::byte> rounded_;
  std::vector<float> h_, rows_, inner_;
  Workspaces workspaces_;
};

}  // namespace nibble
