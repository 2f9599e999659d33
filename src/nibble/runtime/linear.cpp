#include "nibble/runtime/linear.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"
#include "nibble/ops/gemm_mxfp4_s8/gemm_mxfp4_s8.h"
#include "nibble/ops/gemm_nvfp4_bf16/gemm_nvfp4_bf16.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"
#include "nibble/ops/gemm_nvfp4_s8/gemm_nvfp4_s8.h"
#include "nibble/ops/gemm_ternary_s8/gemm_ternary_s8.h"
#include "nibble/ops/quantise_rows/quantise_rows.h"
#include "nibble/runtime/error.h"

namespace nibble {
namespace {

constexpr std::string_view kNames[] = {"bf16", "s16", "s8"};
constexpr Activations kOfNvfp4[] = {Activations::s16, Activations::bf16, Activations::s8};
constexpr Activations kOfIntegers[] = {Activations::s8};

// Memory for the workspaces of an op; all else stays where it is.
class Workspaces : public BufferVisitor {
 public:
  template <class Op>
  void give(typename Op::Args& a) {
    next_ = 0;
    Op::buffers(a, *this);
  }

 private:
  void* buffer(std::string_view, Role role, DType type, int64_t count, int, void* now) override {
    if (role != Role::workspace) return now;
    if (next_ == memory_.size()) memory_.emplace_back();
    Buffer<std::byte>& m = memory_[next_++];
    if (const int64_t bytes = count * bytes_of(type); m.size() < bytes)
      m = Buffer<std::byte>(bytes);
    return m.data();
  }
  std::vector<Buffer<std::byte>> memory_;
  size_t next_ = 0;
};

// The factor of each row: the tensor scale, or the checkpoint's of rows, floats of 4 or 2 bytes.
std::vector<float> row_factors(const PackedWeight& w) {
  std::vector<float> factors(size_t(w.rows()), w.multiplier);
  if (w.scales.empty()) return factors;
  const size_t bytes = w.encoding.scale == Fp8Scale::bf16 ? sizeof(bf16) : sizeof(float);
  const bool one = w.scales.size() == bytes;
  for (size_t i = 0; i < factors.size(); ++i) {
    const std::byte* from = w.scales.data() + (one ? 0 : i * bytes);
    bf16 narrow;
    std::memcpy(bytes == 2 ? static_cast<void*>(&narrow) : &factors[i], from, bytes);
    if (bytes == 2) factors[i] = to_float(narrow);
  }
  return factors;
}

std::string listed(std::span<const Activations> some) {
  std::string all;
  for (Activations a : some) all += (all.empty() ? "" : ", ") + std::string(to_string(a));
  return all;
}

}  // namespace

std::string_view to_string(Activations a) { return kNames[size_t(a)]; }

Activations parse_activations(std::string_view name) {
  const auto* it = std::find(std::begin(kNames), std::end(kNames), name);
  if (it != std::end(kNames)) return Activations(it - std::begin(kNames));
  constexpr Activations all[] = {Activations::bf16, Activations::s16, Activations::s8};
  throw Error("activations are not rounded to '" + std::string(name) + "', but to one of " +
              listed(all));
}

std::span<const Activations> activations_for(WeightFormat format) {
  switch (format) {
    case WeightFormat::nvfp4:
      return kOfNvfp4;
    case WeightFormat::mxfp4:
    case WeightFormat::int8:
    case WeightFormat::ternary:
      return kOfIntegers;
    default:
      return {};
  }
}

struct Linear::Product {
  virtual ~Product() = default;
  virtual std::string_view op() const = 0;
  virtual std::string_view variant(int64_t tokens) const = 0;
  virtual void run(MatrixView<const float> x, MatrixView<float> y, Pool*) = 0;
};

template <class Op>
struct Linear::ProductOf final : Linear::Product {
  using Args = typename Op::Args;
  using X = std::remove_cvref_t<decltype(*Args::x)>;

  ProductOf(const PackedWeight& w, const Machine& m) : machine(m), w_scale(row_factors(w)) {
    args.n = int(w.rows()), args.k = int(w.cols()), args.ldx = args.k;
    args.w = reinterpret_cast<const uint8_t*>(w.panels.data()), args.w_scale = w_scale.data();
    choose(1);
  }

  std::string_view op() const override { return Op::name; }
  std::string_view variant(int64_t tokens) const override {
    Args a = args;
    a.m = tokens;
    return select<Op>(a, machine)->name;
  }

  void run(MatrixView<const float> from, MatrixView<float> y, Pool* pool) override {
    choose(from.rows);
    if (x.size() < args.m * args.k) x = Buffer<X>(args.m * args.k);
    if constexpr (std::is_same_v<X, bf16>)
      narrow(from, pool);
    else
      quantise(from, pool);
    args.x = x.data(), args.y = y.data, args.ldy = y.stride;
    workspaces.template give<Op>(args);
    throw_if(Op::check(args));
    chosen->run(args, {.pool = pool});
  }

  void choose(int64_t tokens) {
    if (tokens == args.m) return;
    args.m = tokens;
    chosen = select<Op>(args, machine);
    if (!chosen) throw Error(no_match<Op>(args, machine));
  }

  void narrow(MatrixView<const float> from, Pool* pool) {
    parallel_for(pool, from.rows, 1, [&](int64_t t, int64_t) {
      for (int64_t k = 0; k < from.cols; ++k) x[t * from.cols + k] = to_bf16(from(t, k));
    });
  }

  void quantise(MatrixView<const float> from, Pool* pool) {
    if (x_scale.size() < from.rows) x_scale = Buffer<float>(from.rows);
    quantise_rows::Args a{.rows = from.rows,
                          .cols = from.cols,
                          .ldx = from.stride,
                          .code = DTypeOf<X>::value,
                          .x = from.data,
                          .scales = x_scale.data()};
    if constexpr (std::is_same_v<X, int8_t>)
      a.codes_s8 = x.data();
    else
      a.codes_s16 = x.data();
    throw_if(nibble::run<quantise_rows::Op>(a, machine, {.pool = pool}));
    args.x_scale = x_scale.data();
  }

  Machine machine;
  std::vector<float> w_scale;
  Args args;
  const Variant<Args>* chosen = nullptr;
  Buffer<X> x;
  Buffer<float> x_scale;
  Workspaces workspaces;
};

std::unique_ptr<Linear::Product> Linear::product_of(const PackedWeight& w, Activations a,
                                                    const Machine& m) {
  switch (w.encoding.format) {
    case WeightFormat::mxfp4:
      return std::make_unique<ProductOf<gemm_mxfp4_s8::Op>>(w, m);
    case WeightFormat::int8:
      return std::make_unique<ProductOf<gemm_int8_s8::Op>>(w, m);
    case WeightFormat::ternary:
      return std::make_unique<ProductOf<gemm_ternary_s8::Op>>(w, m);
    default:  // nvfp4
      if (a == Activations::bf16) return std::make_unique<ProductOf<gemm_nvfp4_bf16::Op>>(w, m);
      if (a == Activations::s16) return std::make_unique<ProductOf<gemm_nvfp4_s16::Op>>(w, m);
      return std::make_unique<ProductOf<gemm_nvfp4_s8::Op>>(w, m);
  }
}

Linear::Linear(const PackedWeight& weight, std::optional<Activations> wanted,
               const Machine& machine)
    : weight_(&weight) {
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

Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;

std::string_view Linear::op() const { return product_->op(); }
std::string_view Linear::variant(int64_t tokens) const { return product_->variant(tokens); }

void Linear::operator()(MatrixView<const float> x, MatrixView<float> y, Pool* pool) {
  if (x.rows < 1 || x.rows != y.rows || x.cols != cols() || y.cols != rows())
    throw Error("tensor " + weight_->name + ": x is " + std::to_string(x.rows) + " x " +
                std::to_string(x.cols) + " and y " + std::to_string(y.rows) + " x " +
                std::to_string(y.cols) + ", but [tokens][" + std::to_string(cols()) +
                "] and [tokens][" + std::to_string(rows()) + "] are needed");
  product_->run(x, y, pool);
}

}  // namespace nibble
