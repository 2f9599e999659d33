#include "nibble/runtime/routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "nibble/runtime/error.h"

namespace nibble {

void check_norm(std::span<const float> gamma, int64_t cols, const std::string& name) {
  if (!gamma.empty() && int64_t(gamma.size()) != cols)
    throw Error("tensor " + name + ": its norm has " + std::to_string(gamma.size()) +
                " factors, not " + std::to_string(cols));
}

void normalise(MatrixView<const float> x, std::span<const float> gamma, float eps, float* h,
               Pool* pool) {
  parallel_for(pool, x.rows, 1, [&](int64_t t, int64_t) {
    const float* row = x.row(t);
    double squares = 0;
    for (int64_t k = 0; k < x.cols; ++k) squares += double(row[k]) * double(row[k]);
    const auto factor = float(1 / std::sqrt(squares / double(x.cols) + double(eps)));
    for (int64_t k = 0; k < x.cols; ++k)
      h[t * x.cols + k] = row[k] * factor * (gamma.empty() ? 1 : gamma[size_t(k)]);
  });
}

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

Routing::Routing(std::shared_ptr<Linear> router, int experts, int top, std::span<const float> gamma,
                 float eps)
    : router_(std::move(router)), experts_(experts), top_(top), gamma_(gamma), eps_(eps) {}

void Routing::check(const std::string& name, int64_t cols) const {
  const auto wrong = [&](const std::string& what) { throw Error("tensor " + name + ": " + what); };
  const std::string experts = std::to_string(experts_);
  if (top_ < 1 || top_ > experts_)
    wrong("a token has 1 to " + experts + " of so many experts, not " + std::to_string(top_));
  if (router_ && (router_->rows() != experts_ || router_->cols() != cols))
    wrong("its router is " + std::to_string(router_->rows()) + " x " +
          std::to_string(router_->cols()) + ", not " + experts + " x " + std::to_string(cols));
  check_norm(gamma_, cols, name);
}

void Routing::operator()(MatrixView<const float> x, Pool* pool) {
  if (router_) {
    h_.resize(size_t(x.rows * x.cols)), logits_.resize(size_t(x.rows * experts_));
    normalise(x, gamma_, eps_, h_.data(), pool);
    (*router_)(MatrixView<const float>(h_.data(), x.rows, x.cols),
               MatrixView<float>(logits_.data(), x.rows, experts_), pool);
    routes_ = route(MatrixView<const float>(logits_.data(), x.rows, experts_), top_);
  } else {
    routes_.expert.resize(size_t(x.rows * top_));
    routes_.share.assign(routes_.expert.size(), 1 / float(top_));
    for (size_t i = 0; i < routes_.expert.size(); ++i)
      routes_.expert[i] = int32_t(i % size_t(experts_));
  }
  offsets_.assign(size_t(experts_) + 1, 0);
  for (int32_t e : routes_.expert) ++offsets_[size_t(e) + 1];
  std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
  std::vector<int64_t> next(offsets_.begin(), offsets_.end() - 1);
  places_.resize(routes_.expert.size());
  for (size_t i = 0; i < places_.size(); ++i) places_[i] = next[size_t(routes_.expert[i])]++;
}

void Routing::add_up(const float* rows, MatrixView<float> y, Pool* pool) const {
  parallel_for(pool, y.rows, kTokens, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      std::fill_n(y.row(t), y.cols, 0.0f);
      for (int64_t i = t * top_; i < (t + 1) * top_; ++i) {
        const float* from = rows + places_[size_t(i)] * y.cols;
        const float share = routes_.share[size_t(i)];
        for (int64_t k = 0; k < y.cols; ++k) y(t, k) += share * from[k];
      }
    }
  });
}

}  // namespace nibble
