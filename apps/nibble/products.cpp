#include "products.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "console.h"
#include "nibble/base/random.h"
#include "nibble/ops/embedding_quantise/embedding_quantise.h"
#include "nibble/runtime/embedding.h"
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
          .multiply = [linear](auto x, auto y, Pool* pool) { (*linear)(x, y, pool); },
          .rounded = [linear] { return linear->rounded(); }};
}

// The matrix that a quantised one was made of.
const SourceTensor& original_of(const QuantisedWeight& w, const Source& source) {
  const SourceTensor* t = source.find(w.name);
  if (t == nullptr || !t->is_matrix_of_floats() || t->rows() != w.rows() || t->cols() != w.cols())
    throw Error(fmt::format("{} has no matrix of floats {} of {} x {}", source.path().string(),
                            w.name, w.rows(), w.cols()));
  return *t;
}

// Rows of tables are read; those of a head, which some call embed_out, are multiplied by.
bool is_table(const std::string& name) {
  static constexpr std::string_view kTables[] = {"embed", "embd", "wte", "wpe"};
  const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  return !has("embed_out") && std::any_of(std::begin(kTables), std::end(kTables), has);
}

// Of tokens by chance, others in each call.
Product table(const SourceTensor& t, const ProductOptions& o, const Machine& machine) {
  struct Rows {
    Embedding table;
    Random random;
    std::vector<int32_t> ids;
    encode_rows::Encoded encoded;
  };
  const Activations a = o.activations == Activations::s8 ? Activations::s8 : Activations::s16;
  const auto rows = std::make_shared<Rows>(
      Rows{Embedding(t, a, machine), Random(2), std::vector<int32_t>(size_t(o.tokens)), {}});
  const int64_t cols = t.cols(), bytes = o.tokens * cols * bytes_of(t.copy.type);
  return {.name = t.copy.name,
          .shape = fmt::format("{}x{}", t.rows(), cols),
          .format = std::string(t.format),
          .activations = std::string(to_string(a)),
          .op = "embedding_quantise",
          .rows = cols,
          .cols = cols,
          .ops = double(embedding_quantise::Op::work({.rows = 1, .cols = cols}).ops),
          .bytes = [bytes] { return bytes; },
          .multiply =
              [rows](auto, auto, Pool* pool) {
                for (int32_t& id : rows->ids)
                  id = int32_t(rows->random.below(uint64_t(rows->table.rows())));
                rows->encoded = rows->table(rows->ids, pool);
              },
          .exact =
              [rows, &t, cols](const Doubles&, Pool*) {
                Doubles y;
                RowReader reader(t);
                for (int32_t id : rows->ids)
                  for (int64_t k = 0; k < cols; ++k)
                    y.push_back(double(float_at(reader.rows(id, id + 1), k)));
                return y;
              },
          .decode =
              [rows, a, cols](MatrixView<float> y) {
                const encode_rows::Encoded& e = rows->encoded;
                for (int64_t i = 0; i < y.rows * cols; ++i)
                  y.data[i] = e.scales[i / cols] *
                              (a == Activations::s8 ? reinterpret_cast<const int8_t*>(e.codes)[i]
                                                    : reinterpret_cast<const int16_t*>(e.codes)[i]);
              }};
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
    if (o.original != nullptr)
      p.original = [t = &original_of(found.weights[i], *o.original)](
                       const Doubles& x, Pool* threads) { return sums(*t, x, threads); };
  }
  for (const SourceTensor* t : found.others) {
    if (!is_wanted(o, t->copy.name) || !t->is_matrix_of_floats() ||
        !t->copy.name.ends_with(".weight"))
      continue;
    if (is_table(t->copy.name) && !t->blocks) {
      if (t->cols() % 16 == 0)
        all.push_back(table(*t, o, machine));
      else
        leave_out(t->copy.name,
                  fmt::format("its rows have {} elements, no multiple of 16", t->cols()));
      continue;
    }
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
  tell(stderr, "not multiplied: {}: {}\n", printable(name), why);
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
    throw Error(fmt::format(
        "{} has no feed-forward layer{} in nvfp4, mxfp4, fp8, int8, ternary or whole: matrices "
        "gate_proj, up_proj and down_proj, or w1, w3 and w2, or fc1 and fc2, whose names are else "
        "the same",
        o.path, given ? " of that name" : ""));
  if (all.empty())
    throw Error(
        fmt::format("{} has no matrix {}that can be multiplied by: 'nibble inspect' lists "
                    "what it has",
                    o.path, given ? "of that name " : ""));
  return all;
}

}  // namespace nibble::app
