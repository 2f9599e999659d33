#include "writer.h"

#include "nibble/runtime/error.h"

namespace nibble::app {
namespace {

std::unique_ptr<efla_lm::Generator> make(const train::Run& run, int symbols,
                                         const train::OwnedTensors& weights,
                                         const Machine& machine) {
  const train::Recipe& recipe = run.config().recipe;
  if (recipe.arithmetic != train::Arithmetic::product)
    throw Error("recipe " + recipe.name + ": only the product's arithmetic has a generator");
  return efla_lm::make_generator(recipe.model, symbols, weights.tensors, machine);
}

}  // namespace

Writer::Writer(const train::Run& run, int64_t step, const Machine& machine)
    : alphabet_(train::Alphabet::from_hex(run.config().alphabet)),
      weights_(train::read_weights(run.checkpoint_path(step))),
      generator_(make(run, alphabet_.symbols(), weights_, machine)) {}

void Writer::read(const std::string& prompt) {
  if (prompt.empty()) throw Error("the prompt is empty: at least one byte is needed");
  for (const char c : prompt) logits_ = generator_->feed(alphabet_.symbol(uint8_t(c)));
}

// The escape stands for bytes that the model has not seen, so it is never written.
uint8_t Writer::write(engine::Sampler& sampler) {
  const int symbol = sampler.pick(logits_.first(size_t(alphabet_.seen())));
  logits_ = generator_->feed(uint8_t(symbol));
  return alphabet_.byte(symbol);
}

}  // namespace nibble::app
