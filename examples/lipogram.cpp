// lipogram FILE: learns the language of a text, then to write it with fewer and fewer e's.
//
// The second fitness is a C++ function of texts that the model has written: a count, without a
// gradient. The loss of the training text, weighed against it, keeps the language.
#include <fmt/format.h>

#include <algorithm>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/train/scored_learner.h"

namespace {

using namespace nibble;

double share_of_e(const train::Bytes& text) {
  return double(std::count(text.begin(), text.end(), 'e')) / double(text.size());
}

int run(const std::string& path) {
  const Machine& machine = cpu::this_machine();
  const auto pool = cpu::make_pool(machine.cores);
  const std::string paths[] = {path};
  const train::Corpus corpus = train::read_corpus(paths);
  const auto alphabet = train::Alphabet::of(corpus.train);
  const train::Bytes text = alphabet.encode(corpus.train),
                     heldout = alphabet.encode(corpus.heldout);

  train::Recipe recipe;  // small, to be quick
  recipe.model.hidden = 32, recipe.model.ffn = 64, recipe.model.key_dim = 32;
  recipe.model.heads = 2;
  recipe.train.batch = 32;
  recipe.score = {
      .pairs = 8, .texts = 2, .bytes = 100, .sigma = 0.1f, .lr = 0.02f, .nats_weight = 0.1f};

  const train::Scorer scorer = [](std::span<const train::Bytes> texts) {
    std::vector<double> scores;
    for (const train::Bytes& t : texts) scores.push_back(-share_of_e(t));
    return scores;
  };
  const auto language = train::make_learner(recipe, alphabet.symbols(), 1, machine, pool.get());
  const auto tell = [&](const char* when, train::Learner& learner) {
    const auto scores =
        train::scores_of(recipe, alphabet, learner.state(), text, 1, 20, machine, scorer);
    double mean = 0;
    for (const double s : scores) mean -= s / double(scores.size());
    fmt::print("{}: {:.1f}% of what it writes are e's, {:.3f} nats per byte\n", when, 100 * mean,
               learner.loss(heldout));
    return mean;
  };
  const int steps = 300, more = 60;
  for (int i = 0; i < steps; ++i) language->step(text, i, double(i) / steps);
  const double before = tell("the language", *language);

  const auto poet = train::make_scored_learner(recipe, alphabet, 1, machine, pool.get(), scorer);
  const auto from = language->state(), to = poet->state();
  for (size_t i = 0; i < from.size(); ++i) {  // its weights, but for the optimiser's memory
    const std::string& name = from[i].name;
    if (name == "embedding.weight" || name == "head.bias" || name.find(".shadow") != name.npos)
      std::copy_n(static_cast<const char*>(from[i].data), from[i].bytes(),
                  static_cast<char*>(to[i].data));
  }
  poet->restored();
  for (int i = 0; i < more; ++i) poet->step(text, i, double(i) / more);
  return tell("the lipogram", *poet) < before ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw nibble::Error("usage: lipogram FILE");
  return run(argv[1]);
} catch (const std::exception& e) {
  fmt::print(stderr, "lipogram: {}\n", e.what());
  return 2;
}
