// Which experts a token of a layer goes to, and where its rows are while they are sorted by expert.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nibble/base/parallel.h"
#include "nibble/base/view.h"
#include "nibble/runtime/linear.h"

namespace nibble {

// Of a layer one of whose tensors is `name`: h = x[t] / sqrt(mean(x[t]^2) + eps) * gamma, without
// gamma times 1: to [tokens][cols].
void check_norm(std::span<const float> gamma, int64_t cols, const std::string& name);  // throws
void normalise(MatrixView<const float> x, std::span<const float> gamma, float eps, float* h, Pool*);

// Experts and their shares, [tokens][top].
struct Routes {
  std::vector<int32_t> expert;
  std::vector<float> share;
};
// By logits [tokens][experts]. A NaN is taken last, and makes shares NaN where it is taken.
Routes route(MatrixView<const float> logits, int top);

// The experts of a token are those of the `top` greatest (router h), the lower number first where
// they are equal, and its shares the softmax of these. Without a router tokens take the experts in
// turn, in equal shares: what a router that balances its load would do.
class Routing {
 public:
  static constexpr int64_t kTokens = 16;  // of a task that moves rows

  // router [experts][cols], or null; gamma outlives this.
  Routing(std::shared_ptr<Linear> router, int experts, int top, std::span<const float> gamma,
          float eps);

  // Throws if these do not fit one another, or the layer, of which `name` is a tensor.
  void check(const std::string& name, int64_t cols) const;
  // Of these tokens. Tokens of an expert stay in order.
  void operator()(MatrixView<const float> x, Pool*);

  int experts() const { return experts_; }
  int top() const { return top_; }
  const Routes& routes() const { return routes_; }
  // Where the rows of an expert begin, [experts + 1].
  const std::vector<int64_t>& offsets() const { return offsets_; }
  // fn(token, row) for each row of these tokens.
  template <class Fn>
  void each_row(int64_t tokens, Pool* pool, Fn&& fn) const {
    parallel_for(pool, tokens, kTokens, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * top_; i < end * top_; ++i) fn(i / top_, places_[size_t(i)]);
    });
  }
  // y[t] = sum over j, in order, of share[t][j] times the row that the expert made of the token.
  void add_up(const float* rows, MatrixView<float> y, Pool*) const;

 private:
  std::shared_ptr<Linear> router_;
  int experts_, top_;
  std::span<const float> gamma_;
  float eps_;
  Routes routes_;
  std::vector<int64_t> offsets_, places_;  // places: row of [t][j]
  std::vector<float> h_, logits_;
};

}  // namespace nibble
