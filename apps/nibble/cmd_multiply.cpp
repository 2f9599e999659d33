// nibble multiply PATH [--layers] [--weight GLOB]... [--activations A] [--experts K] [--tokens M]
//                      [--threads N] [--seconds S] [--original FILE] [--outliers F] [--cache]
//                      [--json]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <span>

#include "command.h"
#include "console.h"
#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/ceilings.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/sampler.h"
#include "nibble/harness/statistics.h"
#include "numbers.h"
#include "products.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string path, activations, original;
  std::vector<std::string> weights;
  int tokens = 1, threads = 0, experts = 0;
  double seconds = 2, outliers = 1;
  bool layers = false, cache = false, json = false;
};

// Normal, by Box and Muller: what activations behind a norm look like, but one in 200 of them so
// many times as large.
std::vector<float> normal(int64_t count, double outliers) {
  std::vector<float> x(static_cast<size_t>(count));
  Random rng(1);
  for (float& v : x) {
    const double radius = std::sqrt(-2 * std::log(1 - double(rng.uniform())));
    v = float(radius * std::cos(2 * std::numbers::pi * double(rng.uniform())));
    if (outliers != 1 && rng.below(200) == 0) v *= float(outliers);
  }
  return x;
}

struct Timed {
  Product product;
  std::vector<double> us = {};  // of each pass
  int64_t bytes = 0;
  // Errors of y: of x as it is, as it was rounded, and of the original matrix; none is negative.
  double median_us = 0, rel_l2 = 0, of_rounded = -1, of_original = -1;

  double gb_per_s() const { return double(bytes) / median_us * 1e-3; }
  double gop_per_s(int64_t tokens) const { return double(tokens) * product.ops / median_us * 1e-3; }
};

// From sums in double.
double error_of(const float* y, std::span<const double> want) {
  harness::RelativeError error;
  for (size_t i = 0; i < want.size(); ++i) error.add(y[i], want[i]);
  return error.norm2 > 0 ? error.l2() : std::sqrt(error.error2);
}

void measure_errors(Timed& t, const std::vector<double>& x, const float* y, Pool* pool) {
  const Product& p = t.product;
  std::vector<double> both = x;
  if (p.rounded) {
    const std::vector<double> rounded = p.rounded();
    both.insert(both.end(), rounded.begin(), rounded.end());
  }
  const std::vector<double> exact = p.exact(both, pool);
  const std::span<const double> want(exact);
  const size_t count = p.rounded ? want.size() / 2 : want.size();
  t.rel_l2 = error_of(y, want.first(count));
  if (p.rounded) t.of_rounded = error_of(y, want.last(count));
  if (p.original) t.of_original = error_of(y, p.original(x, pool));
}

// Matrix after matrix, as a model's layers follow one another, until the time is up: what a cache
// cannot hold is read from memory, as when a model speaks.
void time(std::vector<Timed>& all, const Flags& f, const std::vector<float>& x,
          std::vector<float>& y, Pool* pool) {
  constexpr int kLeastPasses = 3;
  const double start = harness::steady_now_us();
  for (int pass = -1; pass < kLeastPasses || harness::steady_now_us() < start + f.seconds * 1e6;
       ++pass)
    for (Timed& t : all) {
      const MatrixView from(x.data(), f.tokens, t.product.cols);
      const MatrixView to(y.data(), f.tokens, t.product.rows);
      const double begin = harness::steady_now_us();
      t.product.multiply(from, to, pool);
      if (pass >= 0) t.us.push_back(harness::steady_now_us() - begin);
    }
}

void print_json(const Timed& t, const Flags& f, int threads) {
  const Product& p = t.product;
  const auto known = [](double error) {
    return error < 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(error);
  };
  fmt::print("{}\n", nlohmann::ordered_json({{"weight", p.name},
                                             {"shape", p.shape},
                                             {"format", p.format},
                                             {"activations", p.activations},
                                             {"op", p.op},
                                             {"variant", p.variant},
                                             {"tokens", f.tokens},
                                             {"threads", threads},
                                             {"bytes", t.bytes},
                                             {"us", t.median_us},
                                             {"gb_per_s", t.gb_per_s()},
                                             {"gop_per_s", t.gop_per_s(f.tokens)},
                                             {"rel_l2", t.rel_l2},
                                             {"rel_l2_rounded", known(t.of_rounded)},
                                             {"rel_l2_original", known(t.of_original)}})
                         .dump());
}

void print(const std::vector<Timed>& all, const Flags& f, int threads,
           const harness::Ceiling& read) {
  double us = 0, bytes = 0;
  size_t width = 6, op_width = 24;
  for (const Timed& t : all) {
    us += t.median_us, bytes += double(t.bytes);
    width = std::max(width, t.product.name.size());
    op_width = std::max(op_width, t.product.op.size() + 1 + t.product.variant.size());
  }
  const auto known = [](double error) {
    return error < 0 ? std::string("-") : fmt::format("{:.1e}", error);
  };
  const char* original = f.original.empty() ? "" : "  original";
  fmt::print("{:<{}}  {:>12}  {:<{}}  {:>10}  {:>6}  {:>7}  {:>8}  {:>8}{}\n", "weight", width,
             "shape", "op, variant", op_width, "us", "GB/s", "GOP/s", "rel. L2", "rounded",
             original);
  for (const Timed& t : all) {
    const Product& p = t.product;
    fmt::print("{:<{}}  {:>12}  {:<{}}  {:>10.1f}  {:>6.1f}  {:>7.1f}  {:>8.1e}  {:>8}{}\n",
               printable(p.name), width, p.shape, p.op + (p.variant.empty() ? "" : " ") + p.variant,
               op_width, t.median_us, t.gb_per_s(), t.gop_per_s(f.tokens), t.rel_l2,
               known(t.of_rounded),
               f.original.empty() ? "" : fmt::format("  {:>8}", known(t.of_original)));
  }
  fmt::print("{} by {} threads: {:.2f} ms for {:.1f} MiB of weights, {:.1f} GB/s",
             f.tokens == 1 ? "1 token" : fmt::format("{} tokens", f.tokens), threads, us * 1e-3,
             bytes / (1 << 20), bytes / us * 1e-3);
  fmt::print("; reading {} alone: {:.1f} GB/s\n",
             read.name.starts_with("dram") ? "memory" : "such a cache", read.value);
}

Exit run(const Flags& f) {
  const Machine& machine = cpu::this_machine();
  const int threads = f.threads > 0 ? f.threads : machine.cores;
  const auto pool = cpu::make_pool(threads);
  const PackedWeights packed(f.path, {.rows = 16, .cache = f.cache}, pool.get());
  const Recognised found = recognise(packed.source());
  ProductOptions options{
      .path = f.path, .names = f.weights, .tokens = f.tokens, .layers = f.layers};
  if (!f.activations.empty()) options.activations = parse_activations(f.activations);
  if (f.experts > 0) options.top = f.experts;
  std::optional<Source> original;
  if (!f.original.empty()) options.original = &original.emplace(f.original);
  std::vector<Timed> all;
  int64_t most_cols = 0, most_rows = 0, bytes = 0;
  for (Product& p : products(packed, found, options, machine, pool.get())) {
    most_cols = std::max(most_cols, p.cols), most_rows = std::max(most_rows, p.rows);
    all.push_back({std::move(p)});
  }

  const std::vector<float> x = normal(f.tokens * most_cols, f.outliers);
  std::vector<float> y(size_t(f.tokens * most_rows));
  time(all, f, x, y, pool.get());
  for (Timed& t : all) {
    const Product& p = t.product;
    const MatrixView to(y.data(), f.tokens, p.rows);
    p.multiply(MatrixView(x.data(), f.tokens, p.cols), to, pool.get());
    if (p.decode) p.decode(to);
    const auto x_end = x.begin() + f.tokens * p.cols;
    measure_errors(t, std::vector<double>(x.begin(), x_end), y.data(), pool.get());
    t.bytes = p.bytes(), bytes += t.bytes;
    t.median_us = harness::median(t.us);
    if (f.json) print_json(t, f, threads);
  }
  if (f.json) return 0;
  const auto level = harness::level_holding(bytes, threads, machine);
  print(all, f, threads, harness::read_roof(machine, threads, level).ceiling);
  return 0;
}

}  // namespace

void add_multiply(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  command.add_option("path", f->path, "a .safetensors file, an index, or a folder")->required();
  command.add_option("--weight", f->weights, "only matrices whose names match, as in '*.down*'");
  auto* layers = command.add_flag(
      "--layers", f->layers,
      "feed-forward layers, with the norm before: gate_proj, up_proj and down_proj, "
      "experts of these, or fc1 and fc2 with GELU");
  command.add_option("--experts", f->experts, "of a token; else what config.json says, or 2")
      ->check(between(1, 65536))
      ->needs(layers);
  command.add_option("--activations", f->activations,
                     "what x is rounded to beside quantised weights: bf16, s16, s8, e4m3, nvfp4; "
                     "else the format's default");
  command.add_option("--tokens", f->tokens, "rows of x")->check(between(1, 65536));
  command.add_option("--threads", f->threads)->check(between(1, 1024));
  command.add_option("--seconds", f->seconds, "of timed passes")->check(between(0.0, 3600.0));
  command
      .add_option("--original", f->original,
                  "the checkpoint before it was quantised: the error from its matrices, too")
      ->excludes(layers);
  command.add_option("--outliers", f->outliers, "one in 200 elements of x, so many times as large")
      ->check(between(1.0, 1e6));
  command.add_flag("--cache", f->cache, "keep the pack in a file beside the checkpoint");
  command.add_flag("--json", f->json, "one object a matrix");
  command.callback([f, &exit] { exit = run(*f); });
}

}  // namespace nibble::app
