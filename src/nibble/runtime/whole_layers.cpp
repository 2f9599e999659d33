#include "nibble/runtime/whole_layers.h"

#include <algorithm>
#include <utility>

#include "nibble/numerics/dense_panel.h"
#include "nibble/ops/dual_gemm_bf16/dual_gemm_bf16.h"
#include "nibble/ops/dual_gemm_f32/dual_gemm_f32.h"
#include "nibble/ops/dual_gemm_fp16/dual_gemm_fp16.h"
#include "nibble/ops/gemm_bf16/gemm_bf16.h"
#include "nibble/ops/gemm_f32/gemm_f32.h"
#include "nibble/ops/gemm_fp16/gemm_fp16.h"
#include "nibble/ops/grouped_gemm_bf16/grouped_gemm_bf16.h"
#include "nibble/ops/grouped_gemm_f32/grouped_gemm_f32.h"
#include "nibble/ops/grouped_gemm_fp16/grouped_gemm_fp16.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/round_rows.h"

namespace nibble {
namespace {

// The products by matrices of a type.
template <class T>
struct OpsOf;
template <>
struct OpsOf<float> {
  using One = gemm_f32::Op;
  using Dual = dual_gemm_f32::Op;
  using Grouped = grouped_gemm_f32::Op;
};
template <>
struct OpsOf<bf16> {
  using One = gemm_bf16::Op;
  using Dual = dual_gemm_bf16::Op;
  using Grouped = grouped_gemm_bf16::Op;
};
template <>
struct OpsOf<fp16> {
  using One = gemm_fp16::Op;
  using Dual = dual_gemm_fp16::Op;
  using Grouped = grouped_gemm_fp16::Op;
};

template <class Fn>
auto by_type(DType type, Fn&& fn) {
  if (type == DType::bf16) return fn(bf16());
  if (type == DType::fp16) return fn(fp16());
  return fn(float());
}

template <class T>
const T* elements(const WholeWeight& w) {
  return reinterpret_cast<const T*>(w.panels.data());
}

template <class T>
T* space_for(Buffer<std::byte>& buffer, int64_t count) {
  const int64_t bytes = count * int64_t(sizeof(T));
  if (buffer.size() < bytes) buffer = Buffer<std::byte>(bytes);
  return reinterpret_cast<T*>(buffer.data());
}

std::string size_of(const WholeWeight& w) {
  return by_type(w.type,
                 [](auto t) { return std::string(OpsOf<decltype(t)>::One::name.substr(5)); }) +
         " " + std::to_string(w.rows) + " x " + std::to_string(w.cols);
}

void check(const WholeMatrices& m) {
  const WholeWeight &gate = m.gate.at(0), &up = m.up.at(0), &down = m.down.at(0);
  if (m.gate.size() != m.up.size() || m.down.size() != m.up.size() ||
      size_of(gate) != size_of(up) || down.type != up.type || down.rows != up.cols ||
      down.cols != up.rows)
    throw Error("tensor " + up.name + " is " + size_of(up) + ", its gate " + size_of(gate) +
                " and down " + size_of(down) + ": no feed-forward layer");
  for (const auto* all : {&m.gate, &m.up, &m.down})
    for (const WholeWeight& w : *all)
      if (size_of(w) != size_of(all->front()))
        throw Error("tensor " + w.name + " is " + size_of(w) + ", and " + all->front().name + " " +
                    size_of(all->front()) + ": the experts of a layer are of one size and format");
}

void check(MatrixView<const float> x, MatrixView<float> y, int64_t cols) {
  if (x.rows < 1 || x.rows != y.rows || x.cols != cols || y.cols != cols)
    throw Error("a feed-forward layer takes x and y of as many tokens and " + std::to_string(cols) +
                " columns");
}

// silu(gate h) * (up h), [m][rows of gate].
template <class T>
void gated(const WholeWeight& gate, const WholeWeight& up, int64_t m, const T* h, float* y,
           Workspaces& workspaces, const Machine& machine, Pool* pool) {
  workspaces.run<typename OpsOf<T>::Dual>({.m = m,
                                           .n = int(up.rows),
                                           .k = int(up.cols),
                                           .ldx = up.cols,
                                           .ldy = up.rows,
                                           .gate = elements<T>(gate),
                                           .up = elements<T>(up),
                                           .x = h,
                                           .y = y},
                                          machine, pool);
}

}  // namespace

WholeFeedForward::WholeFeedForward(WholeMatrices weights, std::span<const float> gamma, float eps,
                                   const Machine& machine)
    : weights_(std::move(weights)), gamma_(gamma), eps_(eps), machine_(machine) {
  check(weights_);
  check_norm(gamma_, cols(), weights_.up[0].name);
}

int64_t WholeFeedForward::bytes() const {
  return weights_.gate[0].panels.size() + weights_.up[0].panels.size() +
         weights_.down[0].panels.size();
}

std::string WholeFeedForward::ops() const {
  return by_type(weights_.up[0].type, [](auto t) {
    using Ops = OpsOf<decltype(t)>;
    return std::string(Ops::Dual::name) + ", " + std::string(Ops::One::name);
  });
}

template <class T>
void WholeFeedForward::run(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  T* rounded = space_for<T>(rounded_, x.rows * std::max(cols(), inner()));
  round_rows(h_.data(), x.rows, cols(), rounded, pool);
  gated(weights_.gate[0], weights_.up[0], x.rows, rounded, inner_.data(), workspaces_, machine_,
        pool);
  round_rows(inner_.data(), x.rows, inner(), rounded, pool);
  workspaces_.run<typename OpsOf<T>::One>({.m = x.rows,
                                           .n = int(cols()),
                                           .k = int(inner()),
                                           .ldx = inner(),
                                           .ldy = y.stride,
                                           .w = elements<T>(weights_.down[0]),
                                           .x = rounded,
                                           .y = y.data},
                                          machine_, pool);
}

void WholeFeedForward::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  check(x, y, cols());
  h_.resize(size_t(x.rows * cols())), inner_.resize(size_t(x.rows * inner()));
  normalise(x, gamma_, eps_, h_.data(), pool);
  by_type(weights_.up[0].type, [&](auto t) { run<decltype(t)>(x, y, pool); });
}

WholeExperts::WholeExperts(WholeMatrices weights, std::shared_ptr<Linear> router, int top,
                           std::span<const float> gamma, float eps, const Machine& machine)
    : weights_(std::move(weights)),
      routing_(router, int(weights_.up.size()), top, gamma, eps),
      gamma_(gamma),
      eps_(eps),
      machine_(machine) {
  check(weights_);
  routing_.check(weights_.up[0].name, cols());
  const int64_t bytes = weights_.down[0].panels.size();
  down_stride_ = bytes / bytes_of(weights_.down[0].type);
  down_ = Buffer<std::byte>(bytes * experts());
  for (int e = 0; e < experts(); ++e) {
    Buffer<std::byte>& panels = weights_.down[size_t(e)].panels;
    std::copy(panels.begin(), panels.end(), down_.data() + e * bytes);
    panels = {};
  }
}

int64_t WholeExperts::bytes_of_one() const {
  return weights_.gate[0].panels.size() + weights_.up[0].panels.size() + down_.size() / experts();
}

std::string WholeExperts::ops() const {
  return by_type(weights_.up[0].type, [](auto t) {
    using Ops = OpsOf<decltype(t)>;
    return std::string(Ops::Dual::name) + ", " + std::string(Ops::Grouped::name);
  });
}

template <class T>
void WholeExperts::run(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  const int64_t rows = x.rows * top();
  const std::vector<int64_t>& offsets = routing_.offsets();
  T* rounded = space_for<T>(rounded_, rows * std::max(cols(), inner()));
  routing_.each_row(x.rows, pool, [&](int64_t token, int64_t row) {
    for (int64_t k = 0; k < cols(); ++k)
      narrow(h_[size_t(token * cols() + k)], rounded[row * cols() + k]);
  });
  for (size_t e = 0; e < size_t(experts()); ++e)
    if (offsets[e] < offsets[e + 1])
      gated(weights_.gate[e], weights_.up[e], offsets[e + 1] - offsets[e],
            rounded + offsets[e] * cols(), inner_.data() + offsets[e] * inner(), workspaces_,
            machine_, pool);
  round_rows(inner_.data(), rows, inner(), rounded, pool);
  workspaces_.run<typename OpsOf<T>::Grouped>({.groups = experts(),
                                               .m = rows,
                                               .n = int(cols()),
                                               .k = int(inner()),
                                               .ldx = inner(),
                                               .ldy = cols(),
                                               .w_stride = down_stride_,
                                               .offsets = offsets.data(),
                                               .w = reinterpret_cast<const T*>(down_.data()),
                                               .x = rounded,
                                               .y = rows_.data()},
                                              machine_, pool);
  routing_.add_up(rows_.data(), y, pool);
}

void WholeExperts::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  check(x, y, cols());
  routing_(x, pool);
  const int64_t rows = x.rows * top();
  h_.resize(size_t(x.rows * cols())), inner_.resize(size_t(rows * inner()));
  rows_.resize(size_t(rows * cols()));
  normalise(x, gamma_, eps_, h_.data(), pool);
  by_type(weights_.up[0].type, [&](auto t) { run<decltype(t)>(x, y, pool); });
}

}  // namespace nibble
