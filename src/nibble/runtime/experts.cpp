#include "nibble/runtime/experts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nibble/ops/grouped_gemm_int8_s8/grouped_gemm_int8_s8.h"
#include "nibble/ops/grouped_gemm_mxfp4_s8/grouped_gemm_mxfp4_s8.h"
#include "nibble/ops/grouped_gemm_nvfp4_s8/grouped_gemm_nvfp4_s8.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"
#include "nibble/ops/silu_mul_quantise/silu_mul_quantise.h"
#include "nibble/runtime/error.h"

namespace nibble {
namespace {

constexpr int64_t kTokens = 16;  // of a task that moves rows

encode_rows::Encoded encoded(std::vector<int8_t>& codes, std::vector<float>& scales) {
  return {.format = encode_rows::Format::s8,
          .codes = reinterpret_cast<uint8_t*>(codes.data()),
          .scales = scales.data()};
}

std::string size_of(const PackedWeight& w) {
  return std::string(to_string(w.encoding.format)) + " " + std::to_string(w.rows()) + " x " +
         std::to_string(w.cols());
}

}  // namespace

Routes route(MatrixView<const float> logits, int top) {
  Routes r{.expert = std::vector<int32_t>(size_t(logits.rows * top)),
           .share = std::vector<float>(size_t(logits.rows * top))};
  std::vector<int32_t> order(size_t(logits.cols));
  for (int64_t t = 0; t < logits.rows; ++t) {
    const float* row = logits.row(t);
    const auto before = [row](int32_t a, int32_t b) {
      if (row[a] > row[b] || row[a] < row[b]) return row[a] > row[b];
      const bool a_is_nan = std::isnan(row[a]), b_is_nan = std::isnan(row[b]);
      return a_is_nan == b_is_nan ? a < b : b_is_nan;
    };
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + top, order.end(), before);
    double all = 0;
    for (int j = 0; j < top; ++j) all += std::exp(double(row[order[size_t(j)]] - row[order[0]]));
    for (int j = 0; j < top; ++j) {
      const auto at = size_t(t * top + j);
      r.expert[at] = order[size_t(j)];
      r.share[at] = float(std::exp(double(row[r.expert[at]] - row[order[0]])) / all);
    }
  }
  return r;
}

Experts::Matrices::Matrices(const std::vector<const PackedWeight*>& all) {
  const PackedWeight& first = *all.at(0);
  rows = first.rows(), cols = first.cols(), stride = first.layout.bytes(rows, cols);
  const WeightFormat format = first.encoding.format;
  const bool known = format == WeightFormat::nvfp4 || format == WeightFormat::mxfp4 ||
                     format == WeightFormat::int8;
  if (!known || first.layout.rows != 16 || first.shape.size() != 2)
    throw Error("tensor " + first.name +
                ": experts multiply by matrices in nvfp4, mxfp4 or int8, in panels of 16 rows");
  panels = Buffer<std::byte>(stride * int64_t(all.size()));
  for (size_t e = 0; e < all.size(); ++e) {
    const PackedWeight& w = *all[e];
    if (size_of(w) != size_of(first) || w.layout.rows != 16 || w.shape.size() != 2)
      throw Error("tensor " + w.name + " is " + size_of(w) + ", and " + first.name + " " +
                  size_of(first) + ": the experts of a layer are of one size and format");
    std::copy(w.panels.begin(), w.panels.end(), panels.data() + int64_t(e) * stride);
    const std::vector<float> of_rows = factors_of(w);
    factors.insert(factors.end(), of_rows.begin(), of_rows.end());
  }
}

Experts::Experts(const Weights& w, int top, const Machine& machine)
    : format_(w.up.at(0)->encoding.format),
      experts_(int(w.up.size())),
      top_(top),
      gate_(w.gate),
      up_(w.up),
      down_(w.down),
      router_(w.router),
      gamma_(w.gamma),
      eps_(w.eps),
      machine_(machine) {
  const PackedWeight &gate = *w.gate[0], &up = *w.up[0], &down = *w.down[0];
  const bool same = gate.encoding.format == format_ && down.encoding.format == format_;
  if (!same || w.gate.size() != w.up.size() || w.down.size() != w.up.size() ||
      gate_.rows != up_.rows || gate_.cols != up_.cols || down_.rows != up_.cols ||
      down_.cols != up_.rows)
    throw Error("tensor " + up.name + " is " + size_of(up) + ", its gate " + size_of(gate) +
                " and down " + size_of(down) + ": no layer of experts");
  if (top < 1 || top > experts_)
    throw Error("tensor " + up.name + ": a token has 1 to " + std::to_string(experts_) +
                " of so many experts, not " + std::to_string(top));
  if (router_ && (router_->rows() != experts_ || router_->cols() != cols()))
    throw Error("tensor " + up.name + ": its router is " + std::to_string(router_->rows()) + " x " +
                std::to_string(router_->cols()) + ", not " + std::to_string(experts_) + " x " +
                std::to_string(cols()));
  if (!gamma_.empty() && int64_t(gamma_.size()) != cols())
    throw Error("tensor " + up.name + ": its norm has " + std::to_string(gamma_.size()) +
                " factors, not " + std::to_string(cols()));
}

std::string Experts::ops() const {
  return "3 x grouped_gemm_" + std::string(to_string(format_)) + "_s8";
}

void Experts::choose(MatrixView<const float> x, Pool* pool) {
  if (!router_) {
    routes_.expert.resize(size_t(x.rows * top_));
    routes_.share.assign(routes_.expert.size(), 1 / float(top_));
    for (size_t i = 0; i < routes_.expert.size(); ++i)
      routes_.expert[i] = int32_t(i % size_t(experts_));
    return;
  }
  one_.resize(size_t(x.rows * cols()));  // h as floats
  parallel_for(pool, x.rows, 1, [&](int64_t t, int64_t) {
    const float* row = x.row(t);
    double squares = 0;
    for (int64_t k = 0; k < cols(); ++k) squares += double(row[k]) * double(row[k]);
    const auto factor = float(1 / std::sqrt(squares / double(cols()) + double(eps_)));
    for (int64_t k = 0; k < cols(); ++k)
      one_[size_t(t * cols() + k)] = row[k] * factor * (gamma_.empty() ? 1 : gamma_[size_t(k)]);
  });
  other_.resize(size_t(x.rows * experts_));
  (*router_)(MatrixView<const float>(one_.data(), x.rows, cols()),
             MatrixView<float>(other_.data(), x.rows, experts_), pool);
  routes_ = route(MatrixView<const float>(other_.data(), x.rows, experts_), top_);
}

// offsets_ and places_ of routes_: tokens of an expert stay in order.
void Experts::sort(int64_t tokens) {
  offsets_.assign(size_t(experts_) + 1, 0);
  for (int32_t e : routes_.expert) ++offsets_[size_t(e) + 1];
  std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
  std::vector<int64_t> next(offsets_.begin(), offsets_.end() - 1);
  places_.resize(size_t(tokens * top_));
  for (size_t i = 0; i < places_.size(); ++i) places_[i] = next[size_t(routes_.expert[i])]++;
}

// codes_ and scales_ of rows from those of their tokens.
void Experts::gather(int64_t tokens, Pool* pool) {
  parallel_for(pool, tokens, kTokens, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * top_; i < end * top_; ++i) {
      const int64_t row = places_[size_t(i)], token = i / top_;
      std::copy_n(&h_[size_t(token * cols())], cols(), &codes_[size_t(row * cols())]);
      scales_[size_t(row)] = h_scales_[size_t(token)];
    }
  });
}

template <class Op>
void Experts::product(const Matrices& w, int64_t rows, float* y, Pool* pool) {
  workspaces_.run<Op>({.groups = experts_,
                       .m = rows,
                       .n = int(w.rows),
                       .k = int(w.cols),
                       .ldx = w.cols,
                       .ldy = w.rows,
                       .w_stride = w.stride,
                       .offsets = offsets_.data(),
                       .w = reinterpret_cast<const uint8_t*>(w.panels.data()),
                       .w_scale = w.factors.data(),
                       .x = codes_.data(),
                       .x_scale = scales_.data(),
                       .y = y},
                      machine_, pool);
}

void Experts::multiply(const Matrices& w, int64_t rows, float* y, Pool* pool) {
  if (format_ == WeightFormat::nvfp4) return product<grouped_gemm_nvfp4_s8::Op>(w, rows, y, pool);
  if (format_ == WeightFormat::int8) return product<grouped_gemm_int8_s8::Op>(w, rows, y, pool);
  product<grouped_gemm_mxfp4_s8::Op>(w, rows, y, pool);
}

void Experts::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  if (x.rows < 1 || x.rows != y.rows || x.cols != cols() || y.cols != cols() || x.stride != x.cols)
    throw Error("a layer of experts takes x and y of as many tokens, " + std::to_string(cols()) +
                " columns, and x without gaps");
  const int64_t tokens = x.rows, rows = tokens * top_, width = std::max(cols(), inner());
  choose(x, pool);
  sort(tokens);
  h_.resize(size_t(tokens * cols())), h_scales_.resize(size_t(tokens));
  codes_.resize(size_t(rows * width)), scales_.resize(size_t(rows));
  one_.resize(size_t(rows * width)), other_.resize(size_t(rows * inner()));
  workspaces_.run<norm_quantise::Op>({.rows = tokens,
                                      .cols = cols(),
                                      .eps = eps_,
                                      .with_gamma = !gamma_.empty(),
                                      .x = x.data,
                                      .gamma = gamma_.data(),
                                      .to = encoded(h_, h_scales_)},
                                     machine_, pool);
  gather(tokens, pool);
  multiply(gate_, rows, one_.data(), pool);
  multiply(up_, rows, other_.data(), pool);
  workspaces_.run<silu_mul_quantise::Op>({.rows = rows,
                                          .cols = inner(),
                                          .ld = inner(),
                                          .gate = one_.data(),
                                          .up = other_.data(),
                                          .to = encoded(codes_, scales_)},
                                         machine_, pool);
  multiply(down_, rows, one_.data(), pool);
  parallel_for(pool, tokens, kTokens, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      std::fill_n(y.row(t), cols(), 0.0f);
      for (int64_t i = t * top_; i < (t + 1) * top_; ++i) {
        const float* from = &one_[size_t(places_[size_t(i)] * cols())];
        const float share = routes_.share[size_t(i)];
        for (int64_t k = 0; k < cols(); ++k) y(t, k) += share * from[k];
      }
    }
  });
}

}  // namespace nibble
