#include "nibble/runtime/feed_forward.h"

#include <algorithm>

#include "nibble/ops/dual_gemm_fp8_bf16/dual_gemm_fp8_bf16.h"
#include "nibble/ops/dual_gemm_int8_s8/dual_gemm_int8_s8.h"
#include "nibble/ops/dual_gemm_mxfp4_s8/dual_gemm_mxfp4_s8.h"
#include "nibble/ops/dual_gemm_nvfp4_nvfp4/dual_gemm_nvfp4_nvfp4.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/dual_gemm_nvfp4_s8.h"
#include "nibble/ops/dual_gemm_ternary_s8/dual_gemm_ternary_s8.h"
#include "nibble/ops/gelu_tanh_quantise/gelu_tanh_quantise.h"
#include "nibble/ops/gemm_fp8_bf16/gemm_fp8_bf16.h"
#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"
#include "nibble/ops/gemm_mxfp4_s8/gemm_mxfp4_s8.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"
#include "nibble/ops/gemm_nvfp4_s8/gemm_nvfp4_s8.h"
#include "nibble/ops/gemm_ternary_s8/gemm_ternary_s8.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"
#include "nibble/ops/silu_mul_quantise/silu_mul_quantise.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/round_rows.h"
#include "nibble/runtime/routing.h"

namespace nibble {
namespace {

constexpr Activations kRounded[] = {Activations::s16, Activations::s8, Activations::nvfp4,
                                    Activations::bf16};
constexpr std::span kAll(kRounded);

bool is_fp8(WeightFormat format) {
  return format == WeightFormat::fp8 || format == WeightFormat::fp8_block;
}
std::string names(std::span<const Activations> some) {
  std::string all;
  for (Activations a : some) all += (all.empty() ? "" : " or ") + std::string(to_string(a));
  return all;
}

}  // namespace

FeedForward::Matrix::Matrix(const PackedWeight& w)
    : rows(w.rows()),
      cols(w.cols()),
      panels(reinterpret_cast<const uint8_t*>(w.panels.data())),
      factors(factors_of(w)) {
  if (activations(w.encoding.format).empty() || w.layout.rows != 16 || w.shape.size() != 2)
    throw Error("tensor " + w.name +
                ": a feed-forward layer multiplies by matrices in nvfp4, mxfp4, fp8, int8 or "
                "ternary, in panels of 16 rows");
  if (is_base3(w.encoding))
    throw Error("tensor " + w.name +
                ": a feed-forward layer multiplies by ternary weights of mode int2, not base3");
}

std::span<const Activations> FeedForward::activations(WeightFormat format) {
  if (format == WeightFormat::nvfp4) return kAll.first(3);
  if (is_fp8(format)) return kAll.last(1);
  const bool s8 = format == WeightFormat::mxfp4 || format == WeightFormat::int8 ||
                  format == WeightFormat::ternary;
  return s8 ? kAll.subspan(1, 1) : kAll.first(0);
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
  check_norm(gamma_, cols(), w.up->name);
  const auto known = FeedForward::activations(format_);
  if (std::find(known.begin(), known.end(), activations) == known.end())
    throw Error("activations of a feed-forward layer in " + std::string(to_string(format_)) +
                " are not rounded to " + std::string(to_string(activations)) + ", but to " +
                names(known));
  if (in_bf16() && !gate_)
    throw Error("tensor " + w.up->name + ": a feed-forward layer in " +
                std::string(to_string(format_)) + " has a gate; GELU rounds to codes of integers");
}

bool FeedForward::dual() const { return gate_ && activations_ != Activations::s16; }

std::string FeedForward::ops() const {
  const std::string product = "gemm_" + std::string(is_fp8(format_) ? "fp8" : to_string(format_)) +
                              "_" + std::string(to_string(activations_));
  if (dual()) return "dual_" + product + ", " + product;
  return (gate_ ? "3 x " : "2 x ") + product;
}

encode_rows::Encoded FeedForward::codes() {
  using encode_rows::Format;
  encode_rows::Encoded to{.format = activations_ == Activations::s8 ? Format::s8 : Format::s16,
                          .codes = reinterpret_cast<uint8_t*>(codes_.data()),
                          .scales = scales_.data()};
  if (in_nvfp4()) to.format = Format::nvfp4, to.block_scales = blocks_.data();
  return to;
}

template <class Op>
void FeedForward::product(const Matrix& w, int64_t tokens, float* y, int64_t ldy, Pool* pool) {
  typename Op::Args a{.m = tokens, .n = int(w.rows), .k = int(w.cols), .ldx = w.cols, .ldy = ldy};
  a.w = w.panels, a.w_scale = w.factors.data(), a.y = y;
  a.x = reinterpret_cast<decltype(a.x)>(codes_.data());
  if constexpr (requires { a.x_scale; }) a.x_scale = scales_.data();
  if constexpr (requires { a.x_blocks; })
    a.x_blocks = reinterpret_cast<const e4m3*>(blocks_.data());
  if constexpr (requires { a.w_factors; })
    if (format_ == WeightFormat::fp8_block) a.w_factors = cpu::Fp8Factors::blocks;
  workspaces_.run<Op>(a, machine_, pool);
}

void FeedForward::multiply(const Matrix& w, int64_t tokens, float* y, int64_t ldy, Pool* pool) {
  if (activations_ == Activations::s16) return product<gemm_nvfp4_s16::Op>(w, tokens, y, ldy, pool);
  if (in_nvfp4()) return product<gemm_nvfp4_nvfp4::Op>(w, tokens, y, ldy, pool);
  switch (format_) {
    case WeightFormat::nvfp4:
      return product<gemm_nvfp4_s8::Op>(w, tokens, y, ldy, pool);
    case WeightFormat::mxfp4:
      return product<gemm_mxfp4_s8::Op>(w, tokens, y, ldy, pool);
    case WeightFormat::int8:
      return product<gemm_int8_s8::Op>(w, tokens, y, ldy, pool);
    case WeightFormat::ternary:
      return product<gemm_ternary_s8::Op>(w, tokens, y, ldy, pool);
    default:
      return product<gemm_fp8_bf16::Op>(w, tokens, y, ldy, pool);
  }
}

template <class Op>
void FeedForward::gated(int64_t tokens, Pool* pool) {
  typename Op::Args a{
      .m = tokens, .n = int(inner()), .k = int(cols()), .ldx = cols(), .ldy = inner()};
  a.gate = gate_->panels, a.gate_scale = gate_->factors.data();
  a.up = up_.panels, a.up_scale = up_.factors.data();
  a.x = reinterpret_cast<decltype(a.x)>(codes_.data()), a.y = inner_.data();
  if constexpr (requires { a.x_scale; }) a.x_scale = scales_.data();
  if constexpr (requires { a.x_blocks; })
    a.x_blocks = reinterpret_cast<const e4m3*>(blocks_.data());
  if constexpr (requires { a.w_factors; })
    if (format_ == WeightFormat::fp8_block) a.w_factors = cpu::Fp8Factors::blocks;
  workspaces_.run<Op>(a, machine_, pool);
}

// silu(gate h) * (up h), from h.
void FeedForward::gate(int64_t tokens, Pool* pool) {
  if (in_nvfp4()) return gated<dual_gemm_nvfp4_nvfp4::Op>(tokens, pool);
  switch (format_) {
    case WeightFormat::nvfp4:
      return gated<dual_gemm_nvfp4_s8::Op>(tokens, pool);
    case WeightFormat::mxfp4:
      return gated<dual_gemm_mxfp4_s8::Op>(tokens, pool);
    case WeightFormat::int8:
      return gated<dual_gemm_int8_s8::Op>(tokens, pool);
    case WeightFormat::ternary:
      return gated<dual_gemm_ternary_s8::Op>(tokens, pool);
    default:
      return gated<dual_gemm_fp8_bf16::Op>(tokens, pool);
  }
}

// What down multiplies, from h.
void FeedForward::activate(int64_t tokens, Pool* pool) {
  if (dual()) {
    gate(tokens, pool);
    if (in_bf16()) return round_rows(inner_.data(), tokens, inner(), halves(), pool);
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
  if (in_nvfp4()) blocks_.resize(codes_.size() / 16);
  inner_.resize(size_t(x.rows * inner()));
  if (in_bf16()) {
    other_.resize(size_t(x.rows * cols()));
    normalise(x, gamma_, eps_, other_.data(), pool);
    round_rows(other_.data(), x.rows, cols(), halves(), pool);
  } else {
    workspaces_.run<norm_quantise::Op>({.rows = x.rows,
                                        .cols = x.cols,
                                        .eps = eps_,
                                        .with_gamma = !gamma_.empty(),
                                        .x = x.data,
                                        .gamma = gamma_.data(),
                                        .to = codes()},
                                       machine_, pool);
  }
  activate(x.rows, pool);
  multiply(down_, x.rows, y.data, y.stride, pool);
}

}  // namespace nibble
