// Generation by the learner's own forward pass, a token at a time: the gaps of its inputs hold the
// tokens before, efla carries its state. The same operations on the same numbers, so the logits are
// those of the parallel pass bit for bit.
#include "nibble/models/efla_lm/generator.h"

#include <cmath>
#include <cstring>

#include "nibble/models/efla_lm/forward.h"

namespace nibble::efla_lm {
namespace {

const StateTensor& find(std::span<const StateTensor> weights, const std::string& name, DType type,
                        const std::vector<int64_t>& shape) {
  for (const StateTensor& t : weights) {
    if (t.name != name) continue;
    if (t.type != type || t.shape != shape || !t.data)
      throw Error("tensor " + name + " is not of the type and shape that the recipe asks for");
    return t;
  }
  throw Error("the weights lack tensor " + name);
}

class ProductGenerator final : public Generator {
 public:
  ProductGenerator(const Config& config, int symbols, std::span<const StateTensor> weights,
                   const Machine& machine)
      : model_(config, symbols),
        forward_(model_, machine, {}),
        now_(model_, {}, true),
        logits_(symbols) {
    if (!model_.embeds()) {
      const auto& embedding =
          find(weights, "embedding.weight", DType::i8, {symbols, model_.shape.hidden});
      std::memcpy(model_.embedding.data(), embedding.data, size_t(embedding.bytes()));
    }
    for (Matrix& m : model_.matrices)
      project(m, static_cast<const float*>(
                     find(weights, m.name + ".shadow", DType::f32, {m.k, m.n}).data));
    const auto& bias = find(weights, "head.bias", DType::f32, {symbols});
    std::memcpy(model_.bias.data(), bias.data, size_t(bias.bytes()));
  }

  void reset() override {
    for (Activations::Block& b : now_.blocks) {
      std::fill(b.state.begin(), b.state.end(), 0.0f);
      std::fill(b.mixer_in.data.begin(), b.mixer_in.data.end(), int8_t(0));
      std::fill(b.ffn_in.data.begin(), b.ffn_in.data.end(), int8_t(0));
    }
  }

  std::span<const float> feed(uint8_t symbol) override {
    if (symbol >= model_.symbols)
      throw Error("symbol " + std::to_string(symbol) + " is not in the alphabet of " +
                  std::to_string(model_.symbols));
    forward_.all(&symbol, now_);
    const float scale = model_.matrices.back().scale;
    for (int j = 0; j < model_.symbols; ++j)
      logits_[j] = std::fma(float(now_.head_sums[j]), scale, model_.bias[j]);
    for (Activations::Block& b : now_.blocks) age(b.mixer_in), age(b.ffn_in);
    return {logits_.data(), size_t(model_.symbols)};
  }

 private:
  // The token just read becomes the last one before the next.
  static void age(Inputs& in) {
    std::memmove(in.data.data(), in.data.data() + in.width, size_t(in.gap) * size_t(in.width));
  }

  Model model_;
  Forward forward_;
  Activations now_;
  Buffer<float> logits_;
};

}  // namespace

std::unique_ptr<Generator> make_generator(const Config& config, int symbols,
                                          std::span<const StateTensor> weights,
                                          const Machine& machine) {
  return std::make_unique<ProductGenerator>(config, symbols, weights, machine);
}

}  // namespace nibble::efla_lm
