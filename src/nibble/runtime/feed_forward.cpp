#include "nibble/runtime/feed_forward.h"

#include <algorithm>
#include <type_traits>

#include "nibble/ops/dual_gemm_nvfp4_s8/dual_gemm_nvfp4_s8.h"
#include "nibble/ops/encode_rows/encode_rows.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"
#include "nibble/ops/gemm_nvfp4_s8/gemm_nvfp4_s8.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"
#include "nibble/ops/silu_mul_quantise/silu_mul_quantise.h"
#include "nibble/runtime/error.h"

namespace nibble {
namespace {

template <class Code>
encode_rows::Encoded encoded(std::vector<int16_t>& codes, std::vector<float>& scales) {
  constexpr bool s8 = std::is_same_v<Code, int8_t>;
  return {.format = s8 ? encode_rows::Format::s8 : encode_rows::Format::s16,
          .codes = reinterpret_cast<uint8_t*>(codes.data()),
          .scales = scales.data()};
}

}  // namespace

FeedForward::Matrix::Matrix(const PackedWeight* w)
    : rows(w->rows()),
      cols(w->cols()),
      panels(reinterpret_cast<const uint8_t*>(w->panels.data())),
      factors(size_t(w->rows()), w->multiplier) {
  if (w->encoding.format != WeightFormat::nvfp4 || w->layout.rows != 16 || w->shape.size() != 2)
    throw Error("tensor " + w->name +
                ": a feed-forward layer multiplies by matrices in nvfp4, in panels of 16 rows");
}

FeedForward::FeedForward(const Weights& w, Activations activations, const Machine& machine)
    : gate_(w.gate),
      up_(w.up),
      down_(w.down),
      gamma_(w.gamma),
      eps_(w.eps),
      activations_(activations),
      machine_(machine) {
  const auto size = [](const Matrix& m) {
    return std::to_string(m.rows) + " x " + std::to_string(m.cols);
  };
  if (up_.rows != gate_.rows || up_.cols != gate_.cols || down_.rows != gate_.cols ||
      down_.cols != gate_.rows)
    throw Error("tensor " + w.gate->name + " is " + size(gate_) + ", and up " + size(up_) +
                " and down " + size(down_) + ": no feed-forward layer");
  if (!gamma_.empty() && int64_t(gamma_.size()) != gate_.cols)
    throw Error("tensor " + w.gate->name + ": its norm has " + std::to_string(gamma_.size()) +
                " factors, not " + std::to_string(gate_.cols));
  if (activations != Activations::s16 && activations != Activations::s8)
    throw Error("activations of a feed-forward layer are not rounded to " +
                std::string(to_string(activations)) + ", but to s16 or s8");
}

std::string FeedForward::ops() const {
  return activations_ == Activations::s8 ? "dual_gemm_nvfp4_s8, gemm_nvfp4_s8"
                                         : "3 x gemm_nvfp4_s16";
}

template <class Op>
void FeedForward::run(typename Op::Args a, Pool* pool) {
  workspaces_.give<Op>(a);
  throw_if(nibble::run<Op>(a, machine_, {.pool = pool}));
}

template <class Op>
void FeedForward::multiply(const Matrix& w, int64_t tokens, float* y, int64_t ldy, Pool* pool) {
  using Code = std::remove_cvref_t<decltype(*Op::Args::x)>;
  run<Op>({.m = tokens,
           .n = int(w.rows),
           .k = int(w.cols),
           .ldx = w.cols,
           .ldy = ldy,
           .w = w.panels,
           .w_scale = w.factors.data(),
           .x = reinterpret_cast<const Code*>(codes_.data()),
           .x_scale = scales_.data(),
           .y = y},
          pool);
}

template <class Code>
void FeedForward::norm(MatrixView<const float> x, Pool* pool) {
  run<norm_quantise::Op>({.rows = x.rows,
                          .cols = x.cols,
                          .eps = eps_,
                          .with_gamma = !gamma_.empty(),
                          .x = x.data,
                          .gamma = gamma_.data(),
                          .to = encoded<Code>(codes_, scales_)},
                         pool);
}

void FeedForward::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  if (x.rows < 1 || x.rows != y.rows || x.cols != cols() || y.cols != cols() || x.stride != x.cols)
    throw Error("a feed-forward layer takes x and y of as many tokens, " + std::to_string(cols()) +
                " columns, and x without gaps");
  codes_.resize(size_t(x.rows * std::max(cols(), inner())));
  scales_.resize(size_t(x.rows));
  inner_.resize(size_t(x.rows * inner()));
  if (activations_ == Activations::s8) {
    norm<int8_t>(x, pool);
    run<dual_gemm_nvfp4_s8::Op>({.m = x.rows,
                                 .n = int(inner()),
                                 .k = int(cols()),
                                 .ldx = cols(),
                                 .ldy = inner(),
                                 .gate = gate_.panels,
                                 .up = up_.panels,
                                 .gate_scale = gate_.factors.data(),
                                 .up_scale = up_.factors.data(),
                                 .x = reinterpret_cast<const int8_t*>(codes_.data()),
                                 .x_scale = scales_.data(),
                                 .y = inner_.data()},
                                pool);
    run<encode_rows::Op>({.rows = x.rows,
                          .cols = inner(),
                          .x = inner_.data(),
                          .to = encoded<int8_t>(codes_, scales_)},
                         pool);
    return multiply<gemm_nvfp4_s8::Op>(down_, x.rows, y.data, y.stride, pool);
  }
  other_.resize(inner_.size());
  norm<int16_t>(x, pool);
  multiply<gemm_nvfp4_s16::Op>(gate_, x.rows, inner_.data(), inner(), pool);
  multiply<gemm_nvfp4_s16::Op>(up_, x.rows, other_.data(), inner(), pool);
  run<silu_mul_quantise::Op>({.rows = x.rows,
                              .cols = inner(),
                              .ld = inner(),
                              .gate = inner_.data(),
                              .up = other_.data(),
                              .to = encoded<int16_t>(codes_, scales_)},
                             pool);
  multiply<gemm_nvfp4_s16::Op>(down_, x.rows, y.data, y.stride, pool);
}

}  // namespace nibble
