#include "products.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>

#include "nibble/runtime/error.h"
#include "nibble/runtime/feed_forward.h"
#include "nibble/runtime/quantise.h"

namespace nibble::app {
namespace {

using Doubles = std::vector<double>;

// [tokens][rows] of sums in double of the decoded weights and x, [tokens][cols]. `decode` makes
// floats of rows [begin, end).
template <class Decode>
Doubles sums(int64_t rows, int64_t cols, Decode&& decode, const Doubles& x, Pool* pool) {
  constexpr int64_t kRows = 1024;  // decoded at a time; a multiple of 128
  const int64_t tokens = int64_t(x.size()) / cols;
  std::vector<float> decoded(size_t(std::min(rows, kRows) * cols));
  Doubles y(size_t(tokens * rows));
  for (int64_t first = 0; first < rows; first += kRows) {
    const int64_t count = std::min(rows - first, kRows);
    decode(first, first + count, decoded.data());
    parallel_for(pool, count, 16, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        for (int64_t t = 0; t < tokens; ++t) {
          const float* row = &decoded[size_t(n * cols)];
          double sum = 0;
          for (int64_t k = 0; k < cols; ++k) sum += double(row[k]) * x[size_t(t * cols + k)];
          y[size_t(t * rows + first + n)] = sum;
        }
    });
  }
  return y;
}

Doubles sums(const QuantisedWeight& w, const Doubles& x, const Machine& machine, Pool* pool) {
  return sums(
      w.rows(), w.cols(),
      [&](int64_t begin, int64_t end, float* to) { decode_rows(w, begin, end, machine, pool, to); },
      x, pool);
}

Doubles sums(const SourceTensor& w, const Doubles& x, Pool* pool) {
  RowReader reader(w);
  return sums(
      w.rows(), w.cols(),
      [&](int64_t begin, int64_t end, float* to) {
        load_floats(reader.rows(begin, end), 0, (end - begin) * w.cols(), to);
      },
      x, pool);
}

Product matrix(std::string name, std::string format, int64_t bytes,
               const std::shared_ptr<Linear>& linear, int64_t tokens) {
  return {.name = std::move(name),
          .shape = fmt::format("{}x{}", linear->rows(), linear->cols()),
          .format = std::move(format),
          .activations = std::string(to_string(linear->activations())),
          .op = std::string(linear->op()),
          .variant = std::string(linear->variant(tokens)),
          .rows = linear->rows(),
          .cols = linear->cols(),
          .bytes = bytes,
          .ops = 2.0 * double(linear->rows() * linear->cols()),
          .multiply = [linear](auto x, auto y, Pool* pool) { (*linear)(x, y, pool); }};
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
  const auto exact = [=, &found, &machine](const Doubles& x, Pool* pool) {
    Doubles h = x;
    for (size_t begin = 0; begin < h.size(); begin += size_t(cols)) {
      double squares = 0;
      for (size_t k = begin; k < begin + size_t(cols); ++k) squares += h[k] * h[k];
      const double factor = 1 / std::sqrt(squares / double(cols) + 1e-6);
      for (size_t k = begin; k < begin + size_t(cols); ++k) h[k] *= factor;
    }
    Doubles g = sums(found.weights[gate], h, machine, pool);
    const Doubles u = sums(found.weights[up], h, machine, pool);
    for (size_t i = 0; i < g.size(); ++i) g[i] *= u[i] / (1 + std::exp(-g[i]));
    return sums(found.weights[down], g, machine, pool);
  };
  return Product{
      .name = all[gate].name.substr(0, at) + "*",
      .shape = fmt::format("{}x{}", inner, cols),
      .format = std::string(to_string(all[gate].encoding.format)),
      .activations = std::string(to_string(rounded)),
      .op = whole->ops(),
      .rows = cols,
      .cols = cols,
      .bytes = int64_t(all[gate].panels.size() + all[up].panels.size() + all[down].panels.size()),
      .ops = 6.0 * double(inner * cols),
      .multiply = [whole](auto x, auto y, Pool* pool) { (*whole)(x, y, pool); },
      .exact = exact};
}

bool wanted(const ProductOptions& o, const std::string& name) {
  return o.names.empty() || std::any_of(o.names.begin(), o.names.end(),
                                        [&](const auto& g) { return matches_glob(g, name); });
}

void leave_out(const std::string& name, std::string_view format) {
  fmt::print(stderr, "not multiplied: {}: no op multiplies by {}\n", name, format);
}

// Rows of tables of embeddings are read, and multiply nothing.
bool is_matrix(const SourceTensor& t) {
  static constexpr std::string_view kTables[] = {"embed", "embd", "wte", "wpe"};
  const std::string& name = t.copy.name;
  return t.is_matrix_of_floats() && name.ends_with(".weight") &&
         std::none_of(std::begin(kTables), std::end(kTables), [&](std::string_view table) {
           return name.find(table) != std::string::npos;
         });
}

std::vector<Product> matrices(const PackedWeights& packed, const Recognised& found,
                              const ProductOptions& o, std::optional<Activations> activations,
                              const Machine& machine, Pool* pool) {
  std::vector<Product> all;
  for (size_t i = 0; i < found.weights.size(); ++i) {
    const PackedWeight& w = packed.weights()[i];
    if (!wanted(o, w.name)) continue;
    const std::string format(to_string(w.encoding.format));
    if (activations_for(w.encoding.format).empty()) {
      leave_out(w.name, format);
      continue;
    }
    Product& p =
        all.emplace_back(matrix(w.name, format, int64_t(w.panels.size()),
                                std::make_shared<Linear>(w, activations, machine), o.tokens));
    p.exact = [&w = found.weights[i], &machine](const Doubles& x, Pool* threads) {
      return sums(w, x, machine, threads);
    };
  }
  for (const SourceTensor* t : found.others) {
    if (!wanted(o, t->copy.name) || !is_matrix(*t)) continue;
    if (t->blocks) {
      leave_out(t->copy.name, t->format);
      continue;
    }
    struct Whole {
      WholeWeight weight;
      Linear linear;
      Whole(const SourceTensor& tensor, const Machine& m, Pool* threads)
          : weight(pack_whole(tensor, threads)), linear(weight, m) {}
    };
    const auto whole = std::make_shared<Whole>(*t, machine, pool);
    Product& p =
        all.emplace_back(matrix(t->copy.name, std::string(t->format), whole->weight.panels.size(),
                                {whole, &whole->linear}, o.tokens));
    p.exact = [t](const Doubles& x, Pool* threads) { return sums(*t, x, threads); };
  }
  return all;
}

}  // namespace

std::vector<Product> products(const PackedWeights& packed, const Recognised& found,
                              const ProductOptions& o, const Machine& machine, Pool* pool) {
  std::optional<Activations> activations;
  if (!o.activations.empty()) activations = parse_activations(o.activations);
  std::vector<Product> all;
  if (!o.layers) {
    all = matrices(packed, found, o, activations, machine, pool);
    if (all.empty())
      throw Error(
          fmt::format("{} has no matrix {}that can be multiplied by: 'nibble inspect' "
                      "lists what it has",
                      o.path, o.names.empty() ? "" : "of that name "));
    return all;
  }
  for (size_t i = 0; i < found.weights.size(); ++i) {
    if (!wanted(o, packed.weights()[i].name)) continue;
    if (auto whole = layer(packed, found, i, activations, machine))
      all.push_back(std::move(*whole));
  }
  if (all.empty())
    throw Error(
        fmt::format("{} has no feed-forward layer{}: matrices gate_proj, up_proj and down_proj "
                    "whose names are else the same",
                    o.path, o.names.empty() ? "" : " of that name"));
  return all;
}

}  // namespace nibble::app
