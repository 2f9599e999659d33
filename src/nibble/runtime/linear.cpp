#include "nibble/runtime/linear.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "nibble/ops/gemm_base3_s8/gemm_base3_s8.h"
#include "nibble/ops/gemm_bf16/gemm_bf16.h"
#include "nibble/ops/gemm_f32/gemm_f32.h"
#include "nibble/ops/gemm_fp16/gemm_fp16.h"
#include "nibble/ops/gemm_fp8_bf16/gemm_fp8_bf16.h"
#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"
#include "nibble/ops/gemm_mxfp4_s8/gemm_mxfp4_s8.h"
#include "nibble/ops/gemm_nvfp4_bf16/gemm_nvfp4_bf16.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"
#include "nibble/ops/gemm_nvfp4_s8/gemm_nvfp4_s8.h"
#include "nibble/ops/gemm_ternary_s8/gemm_ternary_s8.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/rounded.h"
#include "nibble/runtime/workspaces.h"

namespace nibble {
namespace {

constexpr Activations kAll[] = {Activations::bf16, Activations::s16,   Activations::s8,
                                Activations::e4m3, Activations::nvfp4, Activations::fp16,
                                Activations::f32};
constexpr std::string_view kNames[] = {"bf16", "s16", "s8", "e4m3", "nvfp4", "fp16", "f32"};
constexpr Activations kOfNvfp4[] = {Activations::s16, Activations::bf16, Activations::s8,
                                    Activations::nvfp4};
constexpr Activations kOfMxfp4[] = {Activations::s8, Activations::e4m3};
constexpr Activations kOfFp8[] = {Activations::bf16, Activations::e4m3};
constexpr Activations kOfIntegers[] = {Activations::s8};

float scale_at(const PackedWeight& w, size_t i) {
  if (w.encoding.scale == Fp8Scale::ue8m0)
    return to_float(reinterpret_cast<const ue8m0*>(w.scales.data())[i]);
  if (w.encoding.scale == Fp8Scale::bf16) {
    bf16 narrow;
    std::memcpy(&narrow, w.scales.data() + i * sizeof narrow, sizeof narrow);
    return to_float(narrow);
  }
  float scale;
  std::memcpy(&scale, w.scales.data() + i * sizeof scale, sizeof scale);
  return scale;
}

bool in_tiles(const PackedWeight& w) { return w.encoding.format == WeightFormat::fp8_block; }

std::string listed(std::span<const Activations> some) {
  std::string all;
  for (Activations a : some) all += (all.empty() ? "" : ", ") + std::string(to_string(a));
  return all;
}

}  // namespace

std::vector<float> factors_of(const PackedWeight& w) {
  if (w.scales.empty()) return std::vector<float>(size_t(w.rows()), w.multiplier);
  const Parts parts = parts_of(w.encoding, w.rows(), w.cols());
  const bool one = parts.scale_rows * parts.scale_cols == 1 && !in_tiles(w);
  std::vector<float> factors(size_t(one ? w.rows() : parts.scale_rows * parts.scale_cols));
  for (size_t i = 0; i < factors.size(); ++i) factors[i] = scale_at(w, one ? 0 : i);
  return factors;
}

std::string_view to_string(Activations a) { return kNames[size_t(a)]; }

Activations parse_activations(std::string_view name) {
  const auto* it = std::find(std::begin(kNames), std::end(kNames), name);
  if (it != std::end(kNames)) return Activations(it - std::begin(kNames));
  throw Error("activations are not rounded to '" + std::string(name) + "', but to one of " +
              listed(kAll));
}

std::span<const Activations> activations_for(WeightFormat format) {
  switch (format) {
    case WeightFormat::nvfp4:
      return kOfNvfp4;
    case WeightFormat::mxfp4:
      return kOfMxfp4;
    case WeightFormat::fp8:
    case WeightFormat::fp8_block:
      return kOfFp8;
    case WeightFormat::int8:
    case WeightFormat::ternary:
      return kOfIntegers;
    default:
      return {};
  }
}

Activations activations_for(DType whole) {
  return whole == DType::bf16   ? Activations::bf16
         : whole == DType::fp16 ? Activations::fp16
                                : Activations::f32;
}

struct Linear::Product {
  virtual ~Product() = default;
  virtual std::string_view op() const = 0;
  virtual std::string_view variant(int64_t tokens) const = 0;
  virtual void run(MatrixView<const float> x, MatrixView<float> y, Pool*) = 0;
  virtual std::vector<double> rounded_x() const = 0;
};

template <class Op>
struct Linear::ProductOf final : Linear::Product {
  using Args = typename Op::Args;

  ProductOf(const PackedWeight& w, const Machine& m)
      : ProductOf(w.rows(), w.cols(), w.panels.data(), m) {
    factors = factors_of(w), args.w_scale = factors.data();
    if constexpr (requires { args.w_factors; })
      if (in_tiles(w)) args.w_factors = cpu::Fp8Factors::blocks;
    choose(1);
  }
  ProductOf(const WholeWeight& w, const Machine& m)
      : ProductOf(w.rows, w.cols, w.panels.data(), m) {
    choose(1);
  }

  std::string_view op() const override { return Op::name; }
  std::string_view variant(int64_t tokens) const override {
    Args a = args;
    a.m = tokens;
    return select<Op>(a, machine)->name;
  }

  void run(MatrixView<const float> x, MatrixView<float> y, Pool* pool) override {
    choose(x.rows);
    rounded.round(x, args, pool);
    args.y = y.data, args.ldy = y.stride;
    workspaces.template give<Op>(args);
    throw_if(Op::check(args));
    chosen->run(args, {.pool = pool});
  }

  std::vector<double> rounded_x() const override { return rounded_values(args); }

  ProductOf(int64_t rows, int64_t cols, const std::byte* panels, const Machine& m)
      : machine(m), rounded(machine) {
    args.n = int(rows), args.k = int(cols), args.ldx = args.k;
    args.w = reinterpret_cast<decltype(args.w)>(panels);
  }

  void choose(int64_t tokens) {
    if (tokens == args.m) return;
    args.m = tokens;
    chosen = select<Op>(args, machine);
    if (!chosen) throw Error(no_match<Op>(args, machine));
  }

  Machine machine;
  std::vector<float> factors;
  Args args;
  const Variant<Args>* chosen = nullptr;
  RoundedRows rounded;
  Workspaces workspaces;
};

std::unique_ptr<Linear::Product> Linear::product_of(const PackedWeight& w, Activations a,
                                                    const Machine& m) {
  switch (w.encoding.format) {
    case WeightFormat::int8:
      return std::make_unique<ProductOf<gemm_int8_s8::Op>>(w, m);
    case WeightFormat::ternary:
      if (is_base3(w.encoding)) return std::make_unique<ProductOf<gemm_base3_s8::Op>>(w, m);
      return std::make_unique<ProductOf<gemm_ternary_s8::Op>>(w, m);
    case WeightFormat::mxfp4:
      if (a == Activations::e4m3) return std::make_unique<ProductOf<gemm_mxfp4_e4m3::Op>>(w, m);
      return std::make_unique<ProductOf<gemm_mxfp4_s8::Op>>(w, m);
    case WeightFormat::nvfp4:
      if (a == Activations::bf16) return std::make_unique<ProductOf<gemm_nvfp4_bf16::Op>>(w, m);
      if (a == Activations::s8) return std::make_unique<ProductOf<gemm_nvfp4_s8::Op>>(w, m);
      if (a == Activations::nvfp4) return std::make_unique<ProductOf<gemm_nvfp4_nvfp4::Op>>(w, m);
      return std::make_unique<ProductOf<gemm_nvfp4_s16::Op>>(w, m);
    default:  // fp8, fp8_block
      if (a == Activations::e4m3) return std::make_unique<ProductOf<gemm_fp8_e4m3::Op>>(w, m);
      return std::make_unique<ProductOf<gemm_fp8_bf16::Op>>(w, m);
  }
}

std::unique_ptr<Linear::Product> Linear::product_of(const WholeWeight& w, const Machine& m) {
  if (w.type == DType::bf16) return std::make_unique<ProductOf<gemm_bf16::Op>>(w, m);
  if (w.type == DType::fp16) return std::make_unique<ProductOf<gemm_fp16::Op>>(w, m);
  return std::make_unique<ProductOf<gemm_f32::Op>>(w, m);
}

Linear::Linear(const PackedWeight& weight, std::optional<Activations> wanted,
               const Machine& machine)
    : name_(weight.name), rows_(weight.rows()), cols_(weight.cols()) {
  const std::string format(to_string(weight.encoding.format));
  const auto known = activations_for(weight.encoding.format);
  if (known.empty()) throw Error("tensor " + weight.name + ": no op multiplies by " + format);
  if (weight.layout.rows != 16)
    throw Error("tensor " + weight.name + ": products read panels of 16 rows, not of " +
                std::to_string(weight.layout.rows));
  activations_ = wanted.value_or(known.front());
  if (std::find(known.begin(), known.end(), activations_) == known.end())
    throw Error("tensor " + weight.name + ": no op multiplies " + format + " by " +
                std::string(to_string(activations_)) + ", but by " + listed(known));
  product_ = product_of(weight, activations_, machine);
}

Linear::Linear(const WholeWeight& weight, const Machine& machine)
    : name_(weight.name),
      rows_(weight.rows),
      cols_(weight.cols),
      activations_(activations_for(weight.type)),
      product_(product_of(weight, machine)) {}

Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;

std::vector<double> Linear::rounded() const { return product_->rounded_x(); }
std::string_view Linear::op() const { return product_->op(); }
std::string_view Linear::variant(int64_t tokens) const { return product_->variant(tokens); }

void Linear::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  if (x.rows < 1 || x.rows != y.rows || x.cols != cols() || y.cols != rows())
    throw Error("tensor " + name_ + ": x is " + std::to_string(x.rows) + " x " +
                std::to_string(x.cols) + " and y " + std::to_string(y.rows) + " x " +
                std::to_string(y.cols) + ", but [tokens][" + std::to_string(cols()) +
                "] and [tokens][" + std::to_string(rows()) + "] are needed");
  try {
    product_->run(x, y, pool);
  } catch (const Error& e) {
    throw Error("tensor " + name_ + ": " + e.what());
  }
}

}  // namespace nibble
