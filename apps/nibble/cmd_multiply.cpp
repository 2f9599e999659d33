// nibble multiply PATH [--layers] [--weight GLOB]... [--activations A] [--tokens M] [--threads N]
//                      [--seconds S] [--cache] [--json]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>

#include "command.h"
#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/ceilings.h"
#include "nibble/harness/relative_error.h"
#include "nibble/harness/sampler.h"
#include "nibble/harness/statistics.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/feed_forward.h"
#include "nibble/runtime/linear.h"
#include "nibble/runtime/quantise.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string path, activations;
  std::vector<std::string> weights;
  int tokens = 1, threads = 0;
  double seconds = 2;
  bool layers = false, cache = false, json = false;
};

// Normal, by Box and Muller: what activations behind a norm look like.
std::vector<float> normal(int64_t count) {
  std::vector<float> x(static_cast<size_t>(count));
  Random rng(1);
  for (float& v : x) {
    const double radius = std::sqrt(-2 * std::log(1 - double(rng.uniform())));
    v = float(radius * std::cos(2 * std::numbers::pi * double(rng.uniform())));
  }
  return x;
}

// [tokens][rows] of sums in double of the decoded weights and x, [tokens][cols].
std::vector<double> exact(const QuantisedWeight& w, const std::vector<double>& x,
                          const Machine& machine, Pool* pool) {
  constexpr int64_t kRows = 1024;  // decoded at a time; a multiple of 128
  const int64_t rows = w.rows(), cols = w.cols(), tokens = int64_t(x.size()) / cols;
  std::vector<float> decoded(size_t(std::min(rows, kRows) * cols));
  std::vector<double> y(size_t(tokens * rows));
  for (int64_t begin = 0; begin < rows; begin += kRows) {
    const int64_t end = std::min(begin + kRows, rows);
    decode_rows(w, begin, end, machine, pool, decoded.data());
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t n = begin; n < end; ++n) {
        const float* row = &decoded[size_t((n - begin) * cols)];
        double sum = 0;
        for (int64_t k = 0; k < cols; ++k) sum += double(row[k]) * x[size_t(t * cols + k)];
        y[size_t(t * rows + n)] = sum;
      }
  }
  return y;
}

struct Line {
  std::string name, shape, format, activations, op, variant;
  int64_t bytes;
  double us, gb_per_s, gop_per_s, rel_l2;
};

// A matrix, or a layer of three: x has `cols` columns and y `rows`.
struct Product {
  Line line;
  int64_t rows, cols;
  double ops;  // of a token
  std::function<void(MatrixView<const float>, MatrixView<float>, Pool*)> multiply;
  std::function<std::vector<double>(const std::vector<double>&, Pool*)> exact;
  std::vector<double> us = {};
};

bool wanted(const Flags& f, const std::string& name) {
  return f.weights.empty() || std::any_of(f.weights.begin(), f.weights.end(),
                                          [&](const auto& g) { return matches_glob(g, name); });
}

// Matrix after matrix, as a model's layers follow one another, until the time is up: what a cache
// cannot hold is read from memory, as when a model speaks.
void time(std::vector<Product>& all, const Flags& f, const std::vector<float>& x,
          std::vector<float>& y, Pool* pool) {
  constexpr int kLeastPasses = 3;
  const double start = harness::steady_now_us();
  for (int pass = -1; pass < kLeastPasses || harness::steady_now_us() < start + f.seconds * 1e6;
       ++pass)
    for (Product& p : all) {
      const MatrixView from(x.data(), f.tokens, p.cols);
      const MatrixView to(y.data(), f.tokens, p.rows);
      const double begin = harness::steady_now_us();
      p.multiply(from, to, pool);
      if (pass >= 0) p.us.push_back(harness::steady_now_us() - begin);
    }
}

void print(const std::vector<Line>& lines, const Flags& f, int threads,
           const harness::Ceiling& read) {
  double us = 0, bytes = 0;
  for (const Line& l : lines) us += l.us, bytes += double(l.bytes);
  const double rate = bytes / us * 1e-3;
  if (f.json) {
    for (const Line& l : lines)
      fmt::print("{}\n", nlohmann::ordered_json({{"weight", l.name},
                                                 {"shape", l.shape},
                                                 {"format", l.format},
                                                 {"activations", l.activations},
                                                 {"op", l.op},
                                                 {"variant", l.variant},
                                                 {"tokens", f.tokens},
                                                 {"threads", threads},
                                                 {"bytes", l.bytes},
                                                 {"us", l.us},
                                                 {"gb_per_s", l.gb_per_s},
                                                 {"gop_per_s", l.gop_per_s},
                                                 {"rel_l2", l.rel_l2}})
                             .dump());
    return;
  }
  size_t width = 6, op_width = 24;
  for (const Line& l : lines) {
    width = std::max(width, l.name.size());
    op_width = std::max(op_width, l.op.size() + 1 + l.variant.size());
  }
  fmt::print("{:<{}}  {:>12}  {:<{}}  {:>10}  {:>6}  {:>7}  {:>8}\n", "weight", width, "shape",
             "op, variant", op_width, "us", "GB/s", "GOP/s", "rel. L2");
  for (const Line& l : lines)
    fmt::print("{:<{}}  {:>12}  {:<{}}  {:>10.1f}  {:>6.1f}  {:>7.1f}  {:>8.1e}\n", l.name, width,
               l.shape, l.op + (l.variant.empty() ? "" : " ") + l.variant, op_width, l.us,
               l.gb_per_s, l.gop_per_s, l.rel_l2);
  fmt::print("{} by {} threads: {:.2f} ms for {:.1f} MiB of weights, {:.1f} GB/s",
             f.tokens == 1 ? "1 token" : fmt::format("{} tokens", f.tokens), threads, us * 1e-3,
             bytes / (1 << 20), rate);
  fmt::print("; reading {} alone: {:.1f} GB/s\n",
             read.name.starts_with("dram") ? "memory" : "such a cache", read.value);
}

Product matrix(const PackedWeight& w, const QuantisedWeight& source,
               std::optional<Activations> activations, const Flags& f, const Machine& machine) {
  const auto linear = std::make_shared<Linear>(w, activations, machine);
  return {.line = {.name = w.name,
                   .shape = fmt::format("{}x{}", w.rows(), w.cols()),
                   .format = std::string(to_string(w.encoding.format)),
                   .activations = std::string(to_string(linear->activations())),
                   .op = std::string(linear->op()),
                   .variant = std::string(linear->variant(f.tokens)),
                   .bytes = int64_t(w.panels.size())},
          .rows = w.rows(),
          .cols = w.cols(),
          .ops = 2.0 * double(w.rows() * w.cols()),
          .multiply = [linear](auto x, auto y, Pool* pool) { (*linear)(x, y, pool); },
          .exact = [&](const auto& x, Pool* pool) { return exact(source, x, machine, pool); }};
}

// What the matrices beside a gate make of x, if all three are there: see runtime/feed_forward.h.
std::optional<Product> layer(const PackedWeights& packed, const Recognised& found, size_t gate,
                             std::optional<Activations> activations, const Machine& machine) {
  static constexpr std::string_view kGate = "gate_proj";
  const auto all = packed.weights();
  const size_t at = all[gate].name.find(kGate);
  if (at == std::string::npos) return {};
  const auto beside = [&](std::string_view name) {
    std::string wanted = all[gate].name;
    wanted.replace(at, kGate.size(), name);
    return size_t(
        std::find_if(all.begin(), all.end(), [&](const auto& w) { return w.name == wanted; }) -
        all.begin());
  };
  const size_t up = beside("up_proj"), down = beside("down_proj");
  if (up == all.size() || down == all.size()) return {};
  const Activations rounded = activations.value_or(Activations::s16);
  const auto whole = std::make_shared<FeedForward>(
      FeedForward::Weights{.gate = &all[gate], .up = &all[up], .down = &all[down]}, rounded,
      machine);
  const int64_t inner = whole->inner(), cols = whole->cols();
  const auto of_doubles = [=, &found, &machine](const std::vector<double>& x, Pool* pool) {
    std::vector<double> h = x;
    for (size_t begin = 0; begin < h.size(); begin += size_t(cols)) {
      double squares = 0;
      for (size_t k = begin; k < begin + size_t(cols); ++k) squares += h[k] * h[k];
      const double factor = 1 / std::sqrt(squares / double(cols) + 1e-6);
      for (size_t k = begin; k < begin + size_t(cols); ++k) h[k] *= factor;
    }
    std::vector<double> g = exact(found.weights[gate], h, machine, pool);
    const std::vector<double> u = exact(found.weights[up], h, machine, pool);
    for (size_t i = 0; i < g.size(); ++i) g[i] *= u[i] / (1 + std::exp(-g[i]));
    return exact(found.weights[down], g, machine, pool);
  };
  return Product{.line = {.name = all[gate].name.substr(0, at) + "*",
                          .shape = fmt::format("{}x{}", inner, cols),
                          .format = std::string(to_string(all[gate].encoding.format)),
                          .activations = std::string(to_string(rounded)),
                          .op = whole->ops(),
                          .bytes = int64_t(all[gate].panels.size() + all[up].panels.size() +
                                           all[down].panels.size())},
                 .rows = cols,
                 .cols = cols,
                 .ops = 6.0 * double(inner * cols),
                 .multiply = [whole](auto x, auto y, Pool* pool) { (*whole)(x, y, pool); },
                 .exact = of_doubles};
}

// What is to be timed: matrices, or with --layers feed-forward layers.
std::vector<Product> products(const PackedWeights& packed, const Recognised& found, const Flags& f,
                              const Machine& machine) {
  std::optional<Activations> activations;
  if (!f.activations.empty()) activations = parse_activations(f.activations);
  std::vector<Product> all;
  for (size_t i = 0; i < found.weights.size(); ++i) {
    const PackedWeight& w = packed.weights()[i];
    if (!wanted(f, w.name)) continue;
    if (f.layers) {
      if (auto whole = layer(packed, found, i, activations, machine))
        all.push_back(std::move(*whole));
    } else if (activations_for(w.encoding.format).empty()) {
      fmt::print(stderr, "not multiplied: {}: no op multiplies by {}\n", w.name,
                 to_string(w.encoding.format));
    } else {
      all.push_back(matrix(w, found.weights[i], activations, f, machine));
    }
  }
  if (all.empty() && f.layers)
    throw Error(
        fmt::format("{} has no feed-forward layer{}: matrices gate_proj, up_proj and "
                    "down_proj whose names are else the same",
                    f.path, f.weights.empty() ? "" : " of that name"));
  if (all.empty())
    throw Error(
        fmt::format("{} has no quantised matrix {}that can be multiplied by: 'nibble "
                    "inspect' lists what it has",
                    f.path, f.weights.empty() ? "" : "of that name "));
  return all;
}

Exit run(const Flags& f) {
  const Machine& machine = cpu::this_machine();
  const int threads = f.threads > 0 ? f.threads : machine.cores;
  const auto pool = cpu::make_pool(threads);
  const PackedWeights packed(f.path, {.rows = 16, .cache = f.cache}, pool.get());
  const Recognised found = recognise(packed.source());
  std::vector<Product> all = products(packed, found, f, machine);
  int64_t most_cols = 0, most_rows = 0, bytes = 0;
  for (const Product& p : all) {
    most_cols = std::max(most_cols, p.cols), most_rows = std::max(most_rows, p.rows);
    bytes += p.line.bytes;
  }

  const std::vector<float> x = normal(f.tokens * most_cols);
  std::vector<float> y(size_t(f.tokens * most_rows));
  time(all, f, x, y, pool.get());
  std::vector<Line> lines;
  for (Product& p : all) {
    p.multiply(MatrixView(x.data(), f.tokens, p.cols), MatrixView(y.data(), f.tokens, p.rows),
               pool.get());
    const auto x_end = x.begin() + f.tokens * p.cols;
    const std::vector<double> want = p.exact(std::vector<double>(x.begin(), x_end), pool.get());
    harness::RelativeError error;
    for (size_t i = 0; i < want.size(); ++i) error.add(y[i], want[i]);
    Line& l = lines.emplace_back(p.line);
    l.us = harness::median(p.us);
    l.gb_per_s = double(l.bytes) / l.us * 1e-3;
    l.gop_per_s = f.tokens * p.ops / l.us * 1e-3;
    l.rel_l2 = error.norm2 > 0 ? error.l2() : std::sqrt(error.error2);
  }
  const auto level = harness::level_holding(bytes, threads, machine);
  print(lines, f, threads, harness::read_roof(machine, threads, level).ceiling);
  return 0;
}

}  // namespace

void add_multiply(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  command.add_option("path", f->path, "a .safetensors file, an index, or a folder")->required();
  command.add_option("--weight", f->weights, "only matrices whose names match, as in '*.down*'");
  command.add_flag("--layers", f->layers,
                   "feed-forward layers: gate_proj, up_proj and down_proj, with the norm before");
  command.add_option("--activations", f->activations,
                     "what x is rounded to: bf16, s16, s8, e4m3, nvfp4; else the format's default");
  command.add_option("--tokens", f->tokens, "rows of x")->check(CLI::Range(1, 65536));
  command.add_option("--threads", f->threads)->check(CLI::Range(1, 1024));
  command.add_option("--seconds", f->seconds, "of timed passes")->check(CLI::Range(0.0, 3600.0));
  command.add_flag("--cache", f->cache, "keep the pack in a file beside the checkpoint");
  command.add_flag("--json", f->json, "one object a matrix");
  command.callback([f, &exit] { exit = run(*f); });
}

}  // namespace nibble::app
