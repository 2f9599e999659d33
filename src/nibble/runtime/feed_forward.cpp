#include "nibble/runtime/feed_forward.h"

#include <algorithm>
#include <type_traits>

#include "nibble/ops/dual_gemm_mxfp4_s8/dual_gemm_mxfp4_s8.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/dual_gemm_nvfp4_s8.h"
#include "nibble/ops/gelu_tanh_quantise/gelu_tanh_quantise.h"
#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"
#include "nibble/ops/gemm_mxfp4_s8/gemm_mxfp4_s8.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"
#include "nibble/ops/gemm_nvfp4_s8/gemm_nvfp4_s8.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"
#include "nibble/ops/silu_mul_quantise/silu_mul_quantise.h"
#include "nibble/runtime/error.h"

namespace nibble {
namespace {

constexpr Activations kRounded[] = {Activations::s16, Activations::s8};

}  // namespace

FeedForward::Matrix::Matrix(const PackedWeight& w)
    : rows(w.rows()),
      cols(w.cols()),
      panels(reinterpret_cast<const uint8_t*>(w.panels.data())),
      factors(factors_of(w)) {
  if (activations(w.encoding.format).empty() || w.layout.rows != 16 || w.shape.size() != 2)
    throw Error("tensor " + w.name +
                ": a feed-forward layer multiplies by matrices in nvfp4, mxfp4 or int8, in panels "
                "of 16 rows");
}

std::span<const Activations> FeedForward::activations(WeightFormat format) {
  if (format == WeightFormat::nvfp4) return kRounded;
  if (format == WeightFormat::mxfp4 || format == WeightFormat::int8)
    return std::span(kRounded).last(1);
  return {};
}

FeedForward::FeedForward(const Weights& w, Activations activations, const Machine& machine)
    : up_(*w.up),
      down_(*w.down),
      gamma_(w.gamma),
      eps_(w.eps),
      format_(w.up->encoding.format),
      activations_(activations),
      machine_(machine) {
  if (w.gate) gate_.emplace(*w.gate);
  const auto shape = [](const PackedWeight& p) {
    return std::string(to_string(p.encoding.format)) + " " + std::to_string(p.rows()) + " x " +
           std::to_string(p.cols());
  };
  const bool fits =
      down_.rows == up_.cols && down_.cols == up_.rows && w.down->encoding.format == format_;
  if (!fits || (gate_ && (gate_->rows != up_.rows || gate_->cols != up_.cols ||
                          w.gate->encoding.format != format_)))
    throw Error("tensor " + w.up->name + " is " + shape(*w.up) +
                (w.gate ? ", its gate " + shape(*w.gate) : "") + " and down " + shape(*w.down) +
                ": no feed-forward layer");
  if (!gamma_.empty() && int64_t(gamma_.size()) != up_.cols)
    throw Error("tensor " + w.up->name + ": its norm has " + std::to_string(gamma_.size()) +
                " factors, not " + std::to_string(up_.cols));
  const auto known = FeedForward::activations(format_);
  if (std::find(known.begin(), known.end(), activations) == known.end())
    throw Error("activations of a feed-forward layer in " + std::string(to_string(format_)) +
                " are not rounded to " + std::string(to_string(activations)) + ", but to " +
                (known.size() == 2 ? "s16 or s8" : "s8"));
}

bool FeedForward::dual() const {
  return gate_ && format_ != WeightFormat::int8 && activations_ == Activations::s8;
}

std::string FeedForward::ops() const {
  const std::string product =
      "gemm_" + std::string(to_string(format_)) + "_" + std::string(to_string(activations_));
  if (dual()) return "dual_" + product + ", " + product;
  return (gate_ ? "3 x " : "2 x ") + product;
}

encode_rows::Encoded FeedForward::codes() {
  return {.format =
              activations_ == Activations::s8 ? encode_rows::Format::s8 : encode_rows::Format::s16,
          .codes = reinterpret_cast<uint8_t*>(codes_.data()),
          .scales = scales_.data()};
}

template <class Op>
void FeedForward::product(const Matrix& w, int64_t tokens, float* y, int64_t ldy, Pool* pool) {
  using Code = std::remove_cvref_t<decltype(*Op::Args::x)>;
  workspaces_.run<Op>({.m = tokens,
                       .n = int(w.rows),
                       .k = int(w.cols),
                       .ldx = w.cols,
                       .ldy = ldy,
                       .w = w.panels,
                       .w_scale = w.factors.data(),
                       .x = reinterpret_cast<const Code*>(codes_.data()),
                       .x_scale = scales_.data(),
                       .y = y},
                      machine_, pool);
}

void FeedForward::multiply(const Matrix& w, int64_t tokens, float* y, int64_t ldy, Pool* pool) {
  if (activations_ == Activations::s16) return product<gemm_nvfp4_s16::Op>(w, tokens, y, ldy, pool);
  if (format_ == WeightFormat::nvfp4) return product<gemm_nvfp4_s8::Op>(w, tokens, y, ldy, pool);
  if (format_ == WeightFormat::int8) return product<gemm_int8_s8::Op>(w, tokens, y, ldy, pool);
  product<gemm_mxfp4_s8::Op>(w, tokens, y, ldy, pool);
}

// silu(gate h) * (up h), from h.
template <class Op>
void FeedForward::gated(int64_t tokens, Pool* pool) {
  workspaces_.run<Op>({.m = tokens,
                       .n = int(inner()),
                       .k = int(cols()),
                       .ldx = cols(),
                       .ldy = inner(),
                       .gate = gate_->panels,
                       .up = up_.panels,
                       .gate_scale = gate_->factors.data(),
                       .up_scale = up_.factors.data(),
                       .x = reinterpret_cast<const int8_t*>(codes_.data()),
                       .x_scale = scales_.data(),
                       .y = inner_.data()},
                      machine_, pool);
}

// What down multiplies, from h.
void FeedForward::activate(int64_t tokens, Pool* pool) {
  if (dual()) {
    format_ == WeightFormat::nvfp4 ? gated<dual_gemm_nvfp4_s8::Op>(tokens, pool)
                                   : gated<dual_gemm_mxfp4_s8::Op>(tokens, pool);
    return workspaces_.run<encode_rows::Op>(
        {.rows = tokens, .cols = inner(), .x = inner_.data(), .to = codes()}, machine_, pool);
  }
  multiply(up_, tokens, inner_.data(), inner(), pool);
  if (!gate_)
    return workspaces_.run<gelu_tanh_quantise::Op>(
        {.rows = tokens, .cols = inner(), .ld = inner(), .x = inner_.data(), .to = codes()},
        machine_, pool);
  other_.resize(inner_.size());
  multiply(*gate_, tokens, other_.data(), inner(), pool);
  workspaces_.run<silu_mul_quantise::Op>({.rows = tokens,
                                          .cols = inner(),
                                          .ld = inner(),
                                          .gate = other_.data(),
                                          .up = inner_.data(),
                                          .to = codes()},
                                         machine_, pool);
}

void FeedForward::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  if (x.rows < 1 || x.rows != y.rows || x.cols != cols() || y.cols != cols() || x.stride != x.cols)
    throw Error("a feed-forward layer takes x and y of as many tokens, " + std::to_string(cols()) +
                " columns, and x without gaps");
  codes_.resize(size_t(x.rows * std::max(cols(), inner())));
  scales_.resize(size_t(x.rows));
  inner_.resize(size_t(x.rows * inner()));
  workspaces_.run<norm_quantise::Op>({.rows = x.rows,
                                      .cols = x.cols,
                                      .eps = eps_,
                                      .with_gamma = !gamma_.empty(),
                                      .x = x.data,
                                      .gamma = gamma_.data(),
                                      .to = codes()},
                                     machine_, pool);
  activate(x.rows, pool);
  multiply(down_, x.rows, y.data, y.stride, pool);
}

}  // namespace nibble
