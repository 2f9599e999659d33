#include "products.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "nibble/runtime/error.h"
#include "nibble/runtime/quantise.h"
#include "product_layers.h"
#include "product_sums.h"

namespace nibble::app {
namespace {

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
          .ops = 2.0 * double(linear->rows() * linear->cols()),
          .bytes = [bytes] { return bytes; },
          .multiply = [linear](auto x, auto y, Pool* pool) { (*linear)(x, y, pool); }};
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
                              const ProductOptions& o, const Machine& machine, Pool* pool) {
  std::vector<Product> all;
  for (size_t i = 0; i < found.weights.size(); ++i) {
    const PackedWeight& w = packed.weights()[i];
    if (!is_wanted(o, w.name)) continue;
    const std::string format(to_string(w.encoding.format));
    if (activations_for(w.encoding.format).empty()) {
      leave_out(w.name, "no op multiplies by " + format);
      continue;
    }
    Product& p =
        all.emplace_back(matrix(w.name, format, int64_t(w.panels.size()),
                                std::make_shared<Linear>(w, o.activations, machine), o.tokens));
    p.exact = [&w = found.weights[i], &machine](const Doubles& x, Pool* threads) {
      return sums(w, x, machine, threads);
    };
  }
  for (const SourceTensor* t : found.others) {
    if (!is_wanted(o, t->copy.name) || !is_matrix(*t)) continue;
    if (t->blocks) {
      leave_out(t->copy.name, "no op multiplies by " + std::string(t->format));
      continue;
    }
    int64_t bytes = 0;
    const auto linear = whole_linear(*t, machine, pool, &bytes);
    Product& p =
        all.emplace_back(matrix(t->copy.name, std::string(t->format), bytes, linear, o.tokens));
    p.exact = [t](const Doubles& x, Pool* threads) { return sums(*t, x, threads); };
  }
  return all;
}

}  // namespace

bool is_wanted(const ProductOptions& o, const std::string& name) {
  return o.names.empty() || std::any_of(o.names.begin(), o.names.end(),
                                        [&](const auto& g) { return matches_glob(g, name); });
}

void leave_out(const std::string& name, const std::string& why) {
  fmt::print(stderr, "not multiplied: {}: {}\n", name, why);
}

std::shared_ptr<Linear> whole_linear(const SourceTensor& t, const Machine& machine, Pool* pool,
                                     int64_t* bytes) {
  struct Whole {
    WholeWeight weight;
    Linear linear;
    Whole(const SourceTensor& tensor, const Machine& m, Pool* threads)
        : weight(pack_whole(tensor, threads)), linear(weight, m) {}
  };
  const auto whole = std::make_shared<Whole>(t, machine, pool);
  *bytes = whole->weight.panels.size();
  return {whole, &whole->linear};
}

std::vector<Product> products(const PackedWeights& packed, const Recognised& found,
                              const ProductOptions& o, const Machine& machine, Pool* pool) {
  const bool given = !o.names.empty();
  std::vector<Product> all = o.layers ? layer_products(packed, found, o, machine, pool)
                                      : matrices(packed, found, o, machine, pool);
  if (all.empty() && o.layers)
    throw Error(
        fmt::format("{} has no feed-forward layer{} in nvfp4 or mxfp4: matrices gate_proj, "
                    "up_proj and down_proj, or w1, w3 and w2, or fc1 and fc2, whose names "
                    "are else the same",
                    o.path, given ? " of that name" : ""));
  if (all.empty())
    throw Error(
        fmt::format("{} has no matrix {}that can be multiplied by: 'nibble inspect' lists "
                    "what it has",
                    o.path, given ? "of that name " : ""));
  return all;
}

}  // namespace nibble::app
