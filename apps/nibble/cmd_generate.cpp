// nibble generate RUN [--prompt TEXT] [--bytes N] [--temperature T] [--top-k K] [--seed S]
//                     [--checkpoint best|last|STEP] [--word-share FILE]
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "command.h"
#include "console.h"
#include "nibble/cpu/detect.h"
#include "nibble/engine/sampling.h"
#include "nibble/runtime/error.h"
#include "nibble/train/run.h"
#include "numbers.h"
#include "writer.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string run, prompt = "\n", checkpoint = "best", word_share;
  int64_t bytes = 256;
  double temperature = 0.8;
  int top_k = 0;
  uint64_t seed = 1;
};

// At once: whoever waits reads along, and what follows on stderr follows it.
bool show(uint8_t byte) {
  tell(stdout, "{}", char(byte));
  return output_error().empty();
}

Exit generate(const Flags& flags) {
  const train::Run run = train::Run::open(flags.run);
  train::Bytes known;
  if (!flags.word_share.empty()) known = train::read_text(flags.word_share).bytes;
  Writer writer(run, run.checkpoint(flags.checkpoint).step, cpu::this_machine());
  writer.read(flags.prompt);
  std::fwrite(flags.prompt.data(), 1, flags.prompt.size(), stdout);
  engine::Sampler sampler(
      {.temperature = flags.temperature, .top_k = flags.top_k, .seed = flags.seed});
  train::Bytes text;
  for (int64_t i = 0; i < flags.bytes; ++i) {
    text.push_back(writer.write(sampler));
    if (!show(text.back())) return 1;
  }
  if (!show('\n')) return 1;
  if (known.empty()) return 0;
  const train::WordShare words = train::word_share(text, known);
  tell(stderr, "{:.1f}% of {} generated words of 3+ letters occur in {}\n", 100 * words.share(),
       words.words, flags.word_share);
  return 0;
}

}  // namespace

void add_generate(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  command.add_option("run", f->run, "a run's directory")->required();
  command.add_option("--prompt", f->prompt, "what the text begins with (default: a line break)");
  command.add_option("--bytes", f->bytes, "how much to write")
      ->check(between(int64_t(0), int64_t(1) << 40))
      ->capture_default_str();
  command.add_option("--temperature", f->temperature, "0: always the most likely byte")
      ->check(between(0.0, 100.0))
      ->capture_default_str();
  command.add_option("--top-k", f->top_k, "only the K most likely bytes; 0: all")
      ->check(between(0, 256))
      ->capture_default_str();
  command.add_option("--seed", f->seed, "the same seed writes the same text")
      ->check(seed_number())
      ->capture_default_str();
  command.add_option("--checkpoint", f->checkpoint, "best, last or a number of steps")
      ->capture_default_str();
  command.add_option("--word-share", f->word_share,
                     "say which share of the words occurs in this file, on stderr");
  command.callback([f, &exit] { exit = generate(*f); });
}

}  // namespace nibble::app
