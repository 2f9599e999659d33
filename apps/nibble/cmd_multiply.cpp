// nibble multiply PATH [--weight GLOB]... [--activations A] [--tokens M] [--threads N]
//                      [--seconds S] [--cache] [--json]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>

#include "command.h"
#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/ceilings.h"
#include "nibble/harness/sampler.h"
#include "nibble/harness/statistics.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/linear.h"
#include "nibble/runtime/quantise.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string path, activations;
  std::vector<std::string> weights;
  int tokens = 1, threads = 0;
  double seconds = 2;
  bool cache = false, json = false;
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

// Relative L2 distance of y from the sums in double of the decoded weights and x as it was given.
double error_of(const QuantisedWeight& w, MatrixView<const float> x, MatrixView<const float> y,
                const Machine& machine, Pool* pool) {
  constexpr int64_t kRows = 1024;  // decoded at a time; a multiple of 128
  std::vector<float> decoded(size_t(std::min(w.rows(), kRows) * w.cols()));
  double wrong = 0, all = 0;
  for (int64_t begin = 0; begin < w.rows(); begin += kRows) {
    const int64_t end = std::min(begin + kRows, w.rows());
    decode_rows(w, begin, end, machine, pool, decoded.data());
    for (int64_t t = 0; t < x.rows; ++t)
      for (int64_t n = begin; n < end; ++n) {
        const float* row = &decoded[size_t((n - begin) * w.cols())];
        double sum = 0;
        for (int64_t k = 0; k < w.cols(); ++k) sum += double(row[k]) * x(t, k);
        wrong += (y(t, n) - sum) * (y(t, n) - sum), all += sum * sum;
      }
  }
  return all > 0 ? std::sqrt(wrong / all) : std::sqrt(wrong);
}

struct Product {
  const PackedWeight* weight;
  const QuantisedWeight* source;
  Linear linear;
  std::vector<double> us = {};
  double error = 0;
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
      const MatrixView from(x.data(), f.tokens, p.linear.cols());
      const MatrixView to(y.data(), f.tokens, p.linear.rows());
      const double begin = harness::steady_now_us();
      p.linear(from, to, pool);
      if (pass >= 0) p.us.push_back(harness::steady_now_us() - begin);
    }
}

struct Line {
  std::string name, shape, format, activations, op, variant;
  int64_t bytes;
  double us, gb_per_s, gop_per_s, rel_l2;
};

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
  size_t width = 6;
  for (const Line& l : lines) width = std::max(width, l.name.size());
  fmt::print("{:<{}}  {:>12}  {:<24}  {:>10}  {:>6}  {:>7}  {:>8}\n", "weight", width, "shape",
             "op, variant", "us", "GB/s", "GOP/s", "rel. L2");
  for (const Line& l : lines)
    fmt::print("{:<{}}  {:>12}  {:<24}  {:>10.1f}  {:>6.1f}  {:>7.1f}  {:>8.1e}\n", l.name, width,
               l.shape, l.op + " " + l.variant, l.us, l.gb_per_s, l.gop_per_s, l.rel_l2);
  fmt::print("{} by {} threads: {:.2f} ms for {:.1f} MiB of weights, {:.1f} GB/s",
             f.tokens == 1 ? "1 token" : fmt::format("{} tokens", f.tokens), threads, us * 1e-3,
             bytes / (1 << 20), rate);
  fmt::print("; reading {} alone: {:.1f} GB/s\n",
             read.name.starts_with("dram") ? "memory" : "such a cache", read.value);
}

Exit run(const Flags& f) {
  const Machine& machine = cpu::this_machine();
  const int threads = f.threads > 0 ? f.threads : machine.cores;
  const auto pool = cpu::make_pool(threads);
  std::optional<Activations> activations;
  if (!f.activations.empty()) activations = parse_activations(f.activations);
  const PackedWeights packed(f.path, {.rows = 16, .cache = f.cache}, pool.get());
  const Recognised found = recognise(packed.source());

  std::vector<Product> all;
  std::string formats;
  int64_t most_cols = 0, most_rows = 0, bytes = 0;
  for (size_t i = 0; i < found.weights.size(); ++i) {
    const PackedWeight& w = packed.weights()[i];
    if (!wanted(f, w.name)) continue;
    if (activations_for(w.encoding.format).empty()) {
      fmt::print(stderr, "not multiplied: {}: no op multiplies by {}\n", w.name,
                 to_string(w.encoding.format));
      continue;
    }
    all.push_back({&w, &found.weights[i], Linear(w, activations, machine)});
    most_cols = std::max(most_cols, w.cols()), most_rows = std::max(most_rows, w.rows());
    bytes += int64_t(w.panels.size());
  }
  if (all.empty())
    throw Error(
        fmt::format("{} has no quantised matrix {}that can be multiplied by: 'nibble "
                    "inspect' lists what it has",
                    f.path, f.weights.empty() ? "" : "of that name "));

  const std::vector<float> x = normal(f.tokens * most_cols);
  std::vector<float> y(size_t(f.tokens * most_rows));
  time(all, f, x, y, pool.get());
  std::vector<Line> lines;
  for (Product& p : all) {
    const MatrixView from(x.data(), f.tokens, p.linear.cols());
    const MatrixView to(y.data(), f.tokens, p.linear.rows());
    p.linear(from, to, pool.get());
    const double us = harness::median(p.us);
    lines.push_back({p.weight->name, fmt::format("{}x{}", p.linear.rows(), p.linear.cols()),
                     std::string(to_string(p.weight->encoding.format)),
                     std::string(to_string(p.linear.activations())), std::string(p.linear.op()),
                     std::string(p.linear.variant(f.tokens)), int64_t(p.weight->panels.size()), us,
                     double(p.weight->panels.size()) / us * 1e-3,
                     2.0 * f.tokens * double(p.linear.rows() * p.linear.cols()) / us * 1e-3,
                     error_of(*p.source, from, to, machine, pool.get())});
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
