#include "product_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "nibble/runtime/error.h"
#include "nibble/runtime/experts.h"
#include "nibble/runtime/feed_forward.h"
#include "nibble/runtime/json.h"
#include "nibble/runtime/layer_names.h"
#include "nibble/runtime/whole_layers.h"
#include "product_sums.h"

namespace nibble::app {
namespace {

constexpr double kEps = 1e-6;
constexpr int kUsualTop = 2;

Doubles normalised(Doubles x, int64_t cols) {
  for (size_t begin = 0; begin < x.size(); begin += size_t(cols)) {
    double squares = 0;
    for (size_t k = begin; k < begin + size_t(cols); ++k) squares += x[k] * x[k];
    const double factor = 1 / std::sqrt(squares / double(cols) + kEps);
    for (size_t k = begin; k < begin + size_t(cols); ++k) x[k] *= factor;
  }
  return x;
}

double gelu(double x) {
  return x / 2 * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

// What config.json says of layers; a checkpoint of one file has none.
struct Config {
  std::string activation;
  int64_t top = 0;

  explicit Config(const Source& source) {
    const std::string text = source.config();
    if (text.empty()) return;
    const nlohmann::json all = parse_json(text, 64, "config.json");
    const nlohmann::json& model = all.contains("text_config") ? all["text_config"] : all;
    for (const char* key : {"hidden_act", "hidden_activation", "activation_function"})
      if (model.contains(key) && model[key].is_string()) activation = model[key];
    if (model.contains("num_experts_per_tok") &&
        (!whole_number(model["num_experts_per_tok"], top) || top > INT32_MAX))
      throw Error("config.json: num_experts_per_tok is no number of experts");
  }
};

// The layers in double.
class Exact {
 public:
  Exact(const Recognised& found, std::vector<const SourceTensor*> whole, const Machine& machine)
      : found_(&found), whole_(std::move(whole)), machine_(&machine) {}

  // What a layer of matrices makes of h, or an expert.
  Doubles matrices(size_t expert, const LayerNames& l, const Doubles& h, Pool* pool) const {
    Doubles y = sums_of(l.up[expert], h, pool);
    if (l.gate.empty()) {
      for (double& v : y) v = gelu(v);
    } else {
      const Doubles g = sums_of(l.gate[expert], h, pool);
      for (size_t i = 0; i < y.size(); ++i) y[i] *= g[i] / (1 + std::exp(-g[i]));
    }
    return sums_of(l.down[expert], y, pool);
  }
  Doubles experts(const Routes& routes, size_t top, const LayerNames& l, const Doubles& h,
                  Pool* pool) const {
    const size_t cols = h.size() * top / routes.expert.size();
    Doubles y(h.size());
    for (size_t e = 0; e < l.up.size(); ++e) {
      Doubles of_expert;
      for (size_t i = 0; i < routes.expert.size(); ++i)
        if (size_t(routes.expert[i]) == e) {
          const auto from = h.begin() + int64_t(i / top * cols);
          of_expert.insert(of_expert.end(), from, from + int64_t(cols));
        }
      if (of_expert.empty()) continue;
      const Doubles z = matrices(e, l, of_expert, pool);
      size_t at = 0;
      for (size_t i = 0; i < routes.expert.size(); ++i)
        if (size_t(routes.expert[i]) == e)
          for (size_t k = 0; k < cols; ++k)
            y[i / top * cols + k] += double(routes.share[i]) * z[at++];
    }
    return y;
  }

 private:
  Doubles sums_of(size_t i, const Doubles& x, Pool* pool) const {
    if (i >= found_->weights.size()) return sums(*whole_[i - found_->weights.size()], x, pool);
    return sums(found_->weights[i], x, *machine_, pool);
  }
  const Recognised* found_;
  std::vector<const SourceTensor*> whole_;
  const Machine* machine_;
};

class Layers {
 public:
  Layers(const PackedWeights& packed, const Recognised& found, const ProductOptions& o,
         const Machine& machine, Pool* pool)
      : packed_(packed),
        found_(found),
        options_(o),
        machine_(machine),
        pool_(pool),
        config_(packed.source()) {
    for (const QuantisedWeight& w : found.weights) names_.push_back(w.name);
    for (const SourceTensor* t : found.others)
      if (t->is_matrix_of_floats()) names_.push_back(t->copy.name), whole_.push_back(t);
  }

  std::vector<Product> all() const {
    std::vector<Product> products;
    for (const LayerNames& l : layers_of(names_)) {
      const bool named =
          !l.up.empty() && is_wanted(options_, names_[(l.gate.empty() ? l.up : l.gate)[0]]);
      if (!named && !is_wanted(options_, l.name)) continue;
      if (const std::string why = objection(l); !why.empty())
        leave_out(l.name, why);
      else
        products.push_back(l.experts ? experts(l) : feed_forward(l));
    }
    return products;
  }

 private:
  std::string objection(const LayerNames& l) const {
    if (!l.missing.empty()) return "there is no " + l.missing;
    const SourceTensor* first = whole(l.up[0]);
    for (const auto* places : {&l.gate, &l.up, &l.down})
      for (size_t i : *places) {
        const SourceTensor* t = whole(i);
        if ((t == nullptr) != (first == nullptr) || (t != nullptr && l.gate.empty()))
          return names_[t == nullptr ? l.up[0] : i] + " is not quantised";
        if (t == nullptr) continue;
        if (t->blocks) return "no op multiplies by " + std::string(t->format);
        if (t->format != first->format)
          return names_[i] + " is " + std::string(t->format) + ", not " +
                 std::string(first->format);
      }
    if (first == nullptr && l.gate.empty()) {
      const auto rounded = FeedForward::activations(found_.weights[l.up[0]].encoding.format);
      if (!rounded.empty() && rounded.front() == Activations::bf16)
        return "in " + format_of(l) + " there must be a gate";
    }
    const std::string& a = config_.activation;
    const bool known = l.gate.empty() ? a.starts_with("gelu") : a == "silu" || a == "swish";
    if (a.empty() || known) return {};
    return "config.json has " + a + " where " + (l.gate.empty() ? "GELU" : "SiLU") + " is known";
  }

  Exact exact() const { return {found_, whole_, machine_}; }
  const PackedWeight& packed(size_t i) const { return packed_.weights()[i]; }
  // A matrix that is not quantised, or null.
  const SourceTensor* whole(size_t i) const {
    return i < found_.weights.size() ? nullptr : whole_[i - found_.weights.size()];
  }
  WholeMatrices whole_matrices(const LayerNames& l) const {
    const auto all = [&](const std::vector<size_t>& places) {
      std::vector<WholeWeight> some;
      for (size_t i : places) some.push_back(pack_whole(*whole(i), pool_));
      return some;
    };
    return {.gate = all(l.gate), .up = all(l.up), .down = all(l.down)};
  }
  std::string format_of(const LayerNames& l) const {
    if (const SourceTensor* t = whole(l.up[0])) return std::string(t->format);
    return std::string(to_string(found_.weights[l.up[0]].encoding.format));
  }

  Product feed_forward(const LayerNames& l) const {
    if (const SourceTensor* t = whole(l.up[0])) {
      const auto layer = std::make_shared<WholeFeedForward>(
          whole_matrices(l), std::span<const float>(), float(kEps), machine_);
      return of_feed_forward(l, layer, activations_for(t->copy.type), layer->bytes());
    }
    const WeightFormat format = found_.weights[l.up[0]].encoding.format;
    const auto known = FeedForward::activations(format);
    const Activations rounded =
        options_.activations.value_or(known.empty() ? Activations::s8 : known.front());
    const auto layer = std::make_shared<FeedForward>(
        FeedForward::Weights{.gate = l.gate.empty() ? nullptr : &packed(l.gate[0]),
                             .up = &packed(l.up[0]),
                             .down = &packed(l.down[0]),
                             .eps = float(kEps)},
        rounded, machine_);
    int64_t bytes = 0;
    for (const auto* places : {&l.gate, &l.up, &l.down})
      for (size_t i : *places) bytes += int64_t(packed(i).panels.size());
    return of_feed_forward(l, layer, rounded, bytes);
  }
  template <class Layer>
  Product of_feed_forward(const LayerNames& l, const std::shared_ptr<Layer>& layer,
                          Activations rounded, int64_t bytes) const {
    const int64_t inner = layer->inner(), cols = layer->cols();
    return {.name = l.name,
            .shape = fmt::format("{}x{}", inner, cols),
            .format = format_of(l),
            .activations = std::string(to_string(rounded)),
            .op = layer->ops(),
            .rows = cols,
            .cols = cols,
            .ops = (l.gate.empty() ? 4.0 : 6.0) * double(inner * cols),
            .bytes = [bytes] { return bytes; },
            .multiply = [layer](auto x, auto y, Pool* pool) { (*layer)(x, y, pool); },
            .exact = [exact = exact(), l, cols](
                         const Doubles& x,
                         Pool* pool) { return exact.matrices(0, l, normalised(x, cols), pool); }};
  }

  std::shared_ptr<Linear> router(size_t i, int64_t* bytes) const {
    if (const SourceTensor* t = whole(i)) return whole_linear(*t, machine_, pool_, bytes);
    *bytes = int64_t(packed(i).panels.size());
    return std::make_shared<Linear>(packed(i), std::nullopt, machine_);
  }

  Product experts(const LayerNames& l) const {
    int64_t router_bytes = 0;
    const auto routed = l.router ? router(*l.router, &router_bytes) : nullptr;
    const int top = options_.top.value_or(config_.top > 0 ? int(config_.top) : kUsualTop);
    if (const SourceTensor* t = whole(l.up[0]))
      return of_experts(
          l,
          std::make_shared<WholeExperts>(whole_matrices(l), routed, top, std::span<const float>(),
                                         float(kEps), machine_),
          activations_for(t->copy.type), router_bytes);
    const auto known = Experts::activations(found_.weights[l.up[0]].encoding.format);
    const Activations rounded = options_.activations.value_or(known.front());
    Experts::Weights w{.router = routed, .eps = float(kEps)};
    for (size_t e = 0; e < l.up.size(); ++e) {
      w.gate.push_back(&packed(l.gate[e])), w.up.push_back(&packed(l.up[e]));
      w.down.push_back(&packed(l.down[e]));
    }
    return of_experts(l, std::make_shared<Experts>(w, top, rounded, machine_), rounded,
                      router_bytes);
  }
  template <class Layer>
  Product of_experts(const LayerNames& l, const std::shared_ptr<Layer>& layer, Activations rounded,
                     int64_t router_bytes) const {
    const int64_t inner = layer->inner(), cols = layer->cols();
    const auto bytes = [layer, router_bytes] {
      std::vector<bool> read(size_t(layer->experts()));
      for (int32_t e : layer->routes().expert) read[size_t(e)] = true;
      return router_bytes +
             layer->bytes_of_one() * int64_t(std::count(read.begin(), read.end(), true));
    };
    return {
        .name = l.name,
        .shape = fmt::format("{}x{}x{}", layer->experts(), inner, cols),
        .format = format_of(l),
        .activations = std::string(to_string(rounded)),
        .op = fmt::format("{}, top {}{}", layer->ops(), layer->top(), l.router ? "" : " in turn"),
        .rows = cols,
        .cols = cols,
        .ops = 6.0 * double(inner * cols) * layer->top(),
        .bytes = bytes,
        .multiply = [layer](auto x, auto y, Pool* pool) { (*layer)(x, y, pool); },
        .exact =
            [exact = exact(), l, layer, cols](const Doubles& x, Pool* pool) {
              return exact.experts(layer->routes(), size_t(layer->top()), l, normalised(x, cols),
                                   pool);
            }};
  }

  const PackedWeights& packed_;
  const Recognised& found_;
  const ProductOptions& options_;
  const Machine& machine_;
  Pool* pool_;
  Config config_;
  std::vector<std::string> names_;
  std::vector<const SourceTensor*> whole_;
};

}  // namespace

std::vector<Product> layer_products(const PackedWeights& packed, const Recognised& found,
                                    const ProductOptions& o, const Machine& machine, Pool* pool) {
  return Layers(packed, found, o, machine, pool).all();
}

}  // namespace nibble::app
