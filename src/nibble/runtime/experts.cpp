#include "nibble/runtime/experts.h"

#include <algorithm>

#include "nibble/ops/dual_gemm_fp8_bf16/dual_gemm_fp8_bf16.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/grouped_gemm_fp8_bf16.h"
#include "nibble/ops/grouped_gemm_int8_s8/grouped_gemm_int8_s8.h"
#include "nibble/ops/grouped_gemm_mxfp4_s8/grouped_gemm_mxfp4_s8.h"
#include "nibble/ops/grouped_gemm_nvfp4_nvfp4/grouped_gemm_nvfp4_nvfp4.h"
#include "nibble/ops/grouped_gemm_nvfp4_s8/grouped_gemm_nvfp4_s8.h"
#include "nibble/ops/grouped_gemm_ternary_s8/grouped_gemm_ternary_s8.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"
#include "nibble/ops/silu_mul_quantise/silu_mul_quantise.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/round_rows.h"

namespace nibble {
namespace {

constexpr Activations kRounded[] = {Activations::s8, Activations::nvfp4, Activations::bf16};

bool is_fp8(WeightFormat format) {
  return format == WeightFormat::fp8 || format == WeightFormat::fp8_block;
}
cpu::Fp8Factors fp8_factors(WeightFormat format) {
  return format == WeightFormat::fp8_block ? cpu::Fp8Factors::blocks : cpu::Fp8Factors::rows;
}
bf16* halves(std::vector<int8_t>& codes) { return reinterpret_cast<bf16*>(codes.data()); }

std::string size_of(const PackedWeight& w) {
  return std::string(to_string(w.encoding.format)) + " " + std::to_string(w.rows()) + " x " +
         std::to_string(w.cols());
}

}  // namespace

Experts::Matrices::Matrices(const std::vector<const PackedWeight*>& all) {
  const PackedWeight& first = *all.at(0);
  rows = first.rows(), cols = first.cols(), stride = first.layout.bytes(rows, cols);
  const WeightFormat format = first.encoding.format;
  const bool known = format == WeightFormat::nvfp4 || format == WeightFormat::mxfp4 ||
                     format == WeightFormat::int8 || format == WeightFormat::ternary ||
                     is_fp8(format);
  if (!known || first.layout.rows != 16 || first.shape.size() != 2)
    throw Error(
        "tensor " + first.name +
        ": experts multiply by matrices in nvfp4, mxfp4, fp8, int8 or ternary, in panels of "
        "16 rows");
  const auto in_base3 = [](const PackedWeight* w) { return is_base3(w->encoding); };
  if (const auto it = std::find_if(all.begin(), all.end(), in_base3); it != all.end())
    throw Error("tensor " + (*it)->name +
                ": experts multiply by ternary weights of mode int2, not base3");
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

Experts::Experts(const Weights& w, int top, Activations rounded, const Machine& machine)
    : format_(w.up.at(0)->encoding.format),
      activations_(rounded),
      gate_(w.gate),
      up_(w.up),
      down_(w.down),
      routing_(w.router, int(w.up.size()), top, w.gamma, w.eps),
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
  routing_.check(up.name, cols());
  const auto known = activations(format_);
  if (std::find(known.begin(), known.end(), rounded) == known.end())
    throw Error("activations of experts in " + std::string(to_string(format_)) +
                " are not rounded to " + std::string(to_string(rounded)) + ", but to " +
                std::string(to_string(known[0])) + (known.size() > 1 ? " or nvfp4" : ""));
}

std::span<const Activations> Experts::activations(WeightFormat format) {
  const std::span all(kRounded);
  return is_fp8(format) ? all.last(1) : all.first(format == WeightFormat::nvfp4 ? 2 : 1);
}

int64_t Experts::code_bytes(int64_t elements) const {
  return in_bf16() ? 2 * elements : in_nvfp4() ? elements / 2 : elements;
}
encode_rows::Encoded Experts::encoded(std::vector<int8_t>& codes, std::vector<uint8_t>& blocks,
                                      std::vector<float>& scales) const {
  return {.format = in_nvfp4() ? encode_rows::Format::nvfp4 : encode_rows::Format::s8,
          .codes = reinterpret_cast<uint8_t*>(codes.data()),
          .block_scales = in_nvfp4() ? blocks.data() : nullptr,
          .scales = scales.data()};
}

std::string Experts::ops() const {
  if (in_bf16()) return "dual_gemm_fp8_bf16, grouped_gemm_fp8_bf16";
  return "3 x grouped_gemm_" + std::string(to_string(format_)) + "_" +
         std::string(to_string(activations_));
}

// h_ and h_scales_ of x.
void Experts::normalise_tokens(MatrixView<const float> x, Pool* pool) {
  if (in_bf16()) {
    normalise(x, gamma_, eps_, one_.data(), pool);
    return round_rows(one_.data(), x.rows, cols(), halves(h_), pool);
  }
  workspaces_.run<norm_quantise::Op>({.rows = x.rows,
                                      .cols = cols(),
                                      .eps = eps_,
                                      .with_gamma = !gamma_.empty(),
                                      .x = x.data,
                                      .gamma = gamma_.data(),
                                      .to = encoded(h_, h_blocks_, h_scales_)},
                                     machine_, pool);
}

// codes_, blocks_ and scales_ of rows from those of their tokens.
void Experts::gather(int64_t tokens, Pool* pool) {
  const int64_t bytes = code_bytes(cols()), blocks = in_nvfp4() ? cols() / 16 : 0;
  routing_.each_row(tokens, pool, [&](int64_t token, int64_t row) {
    std::copy_n(h_blocks_.data() + token * blocks, blocks, blocks_.data() + row * blocks);
    std::copy_n(&h_[size_t(token * bytes)], bytes, &codes_[size_t(row * bytes)]);
    scales_[size_t(row)] = h_scales_[size_t(token)];
  });
}

template <class Op>
void Experts::product(const Matrices& w, int64_t rows, float* y, Pool* pool) {
  typename Op::Args a{.groups = experts(),
                      .m = rows,
                      .n = int(w.rows),
                      .k = int(w.cols),
                      .ldx = w.cols,
                      .ldy = w.rows,
                      .w_stride = w.stride};
  a.offsets = routing_.offsets().data(), a.w = w.of(0), a.w_scale = w.factors.data(), a.y = y;
  a.x = reinterpret_cast<decltype(a.x)>(codes_.data());
  if constexpr (requires { a.x_scale; }) a.x_scale = scales_.data();
  if constexpr (requires { a.x_blocks; })
    a.x_blocks = reinterpret_cast<const e4m3*>(blocks_.data());
  if constexpr (requires { a.w_factors; }) a.w_factors = fp8_factors(format_);
  workspaces_.run<Op>(a, machine_, pool);
}

void Experts::multiply(const Matrices& w, int64_t rows, float* y, Pool* pool) {
  if (in_nvfp4()) return product<grouped_gemm_nvfp4_nvfp4::Op>(w, rows, y, pool);
  switch (format_) {
    case WeightFormat::nvfp4:
      return product<grouped_gemm_nvfp4_s8::Op>(w, rows, y, pool);
    case WeightFormat::mxfp4:
      return product<grouped_gemm_mxfp4_s8::Op>(w, rows, y, pool);
    case WeightFormat::int8:
      return product<grouped_gemm_int8_s8::Op>(w, rows, y, pool);
    case WeightFormat::ternary:
      return product<grouped_gemm_ternary_s8::Op>(w, rows, y, pool);
    default:
      return product<grouped_gemm_fp8_bf16::Op>(w, rows, y, pool);
  }
}

// silu(gate h) * (up h) of rows in bf16, to one_.
void Experts::each_gated(Pool* pool) {
  const int64_t factors = int64_t(gate_.factors.size()) / experts();
  for (int e = 0; e < experts(); ++e) {
    const int64_t begin = routing_.offsets()[size_t(e)];
    const int64_t count = routing_.offsets()[size_t(e) + 1] - begin;
    if (count == 0) continue;
    workspaces_.run<dual_gemm_fp8_bf16::Op>({.m = count,
                                             .n = int(inner()),
                                             .k = int(cols()),
                                             .ldx = cols(),
                                             .ldy = inner(),
                                             .w_factors = fp8_factors(format_),
                                             .gate = gate_.of(e),
                                             .up = up_.of(e),
                                             .gate_scale = gate_.factors.data() + e * factors,
                                             .up_scale = up_.factors.data() + e * factors,
                                             .x = halves(codes_) + begin * cols(),
                                             .y = one_.data() + begin * inner()},
                                            machine_, pool);
  }
}

// What down multiplies, from h of rows.
void Experts::activate(int64_t rows, Pool* pool) {
  if (in_bf16()) {
    each_gated(pool);
    return round_rows(one_.data(), rows, inner(), halves(codes_), pool);
  }
  other_.resize(size_t(rows * inner()));
  multiply(gate_, rows, one_.data(), pool);
  multiply(up_, rows, other_.data(), pool);
  workspaces_.run<silu_mul_quantise::Op>({.rows = rows,
                                          .cols = inner(),
                                          .ld = inner(),
                                          .gate = one_.data(),
                                          .up = other_.data(),
                                          .to = encoded(codes_, blocks_, scales_)},
                                         machine_, pool);
}

void Experts::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  if (x.rows < 1 || x.rows != y.rows || x.cols != cols() || y.cols != cols() || x.stride != x.cols)
    throw Error("a layer of experts takes x and y of as many tokens, " + std::to_string(cols()) +
                " columns, and x without gaps");
  const int64_t tokens = x.rows, rows = tokens * top(), width = std::max(cols(), inner());
  routing_(x, pool);
  h_.resize(size_t(code_bytes(tokens * cols()))), h_scales_.resize(size_t(tokens));
  codes_.resize(size_t(code_bytes(rows * width))), scales_.resize(size_t(rows));
  if (in_nvfp4())
    h_blocks_.resize(size_t(tokens * cols() / 16)), blocks_.resize(size_t(rows * width / 16));
  one_.resize(size_t(rows * width));
  normalise_tokens(x, pool);
  gather(tokens, pool);
  activate(rows, pool);
  multiply(down_, rows, one_.data(), pool);
  routing_.add_up(one_.data(), y, pool);
}

}  // namespace nibble
