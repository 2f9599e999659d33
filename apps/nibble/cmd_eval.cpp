// nibble eval RUN [--data FILE...] [--split heldout|all] [--checkpoint best|last|STEP]
//             [--window BYTES] [--json]
// nibble eval --arithmetic origin --origin-pair SEED:EPOCH:PAIR --data FILE [...] [--json]
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "eval_origin.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/train/loop.h"
#include "numbers.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string run, split = "heldout", checkpoint = "best";
  std::vector<std::string> data;
  int threads = 0, window = train::kWindow;
  bool json = false;
  OriginEval origin;
};

// The text to score: of the given files, or of the files that the run was trained on.
train::Bytes text_of(const Flags& flags, const train::Corpus& trained) {
  if (flags.split == "all") {
    train::Bytes text;
    if (flags.data.empty()) throw Error("--split all needs --data FILE");
    for (const std::string& path : flags.data) {
      const train::TextPart part = train::read_text(path);
      text.insert(text.end(), part.bytes.begin(), part.bytes.end());
    }
    if (text.size() < 2) throw Error("at least 2 bytes are needed to evaluate on");
    return text;
  }
  return flags.data.empty() ? trained.heldout : train::read_corpus(flags.data).heldout;
}

Exit eval(const Flags& flags) {
  if (flags.origin.chosen) {
    if (!flags.run.empty() || flags.data.size() != 1)
      throw Error("--arithmetic origin evaluates an untrained model: give one --data FILE, no run");
    return eval_origin(flags.origin, flags.data[0], flags.threads, flags.json);
  }
  if (flags.run.empty()) throw CLI::RequiredError("run");
  const train::Run run = train::Run::open(flags.run);
  const train::Mark mark = run.checkpoint(flags.checkpoint);
  const train::Corpus trained = train::reread_corpus(run.config());
  const train::Bytes text = text_of(flags, trained);
  const Machine& machine = cpu::this_machine();
  const auto pool = cpu::make_pool(flags.threads > 0 ? flags.threads : machine.cores);
  const auto learner =
      train::load_learner(run, mark.step, train::make_learner, machine, pool.get());
  const auto alphabet = train::Alphabet::from_hex(run.config().alphabet);
  const double nats = train::heldout_nats(*learner, alphabet, text, flags.window);
  const auto lines = train::ngram_nats(trained.train, text);
  const double bits = nats / std::log(2.0);
  if (flags.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"nats", nats},
                                              {"bits_per_byte", bits},
                                              {"bytes", int64_t(text.size()) - 1},
                                              {"order0", lines[0]},
                                              {"order1", lines[1]},
                                              {"order2", lines[2]},
                                              {"step", mark.step},
                                              {"recipe", run.config().recipe.name},
                                              {"how", train::label(run.config())}}
                           .dump());
    return 0;
  }
  fmt::print("{:.4f} nats/byte, {:.4f} bits/byte on {} bytes ({}), step {}\n", nats, bits,
             text.size() - 1, flags.split == "all" ? "all of the text" : "held-out part",
             mark.step);
  const char* names[] = {"order 0 (bytes)", "order 1 (pairs)", "order 2 (triples)"};
  for (int i = 0; i < 3; ++i)
    fmt::print("{:<18} {:.4f} nats/byte: {} it by {:.4f}\n", names[i], lines[size_t(i)],
               nats < lines[size_t(i)] ? "below" : "above", std::fabs(nats - lines[size_t(i)]));
  fmt::print("recipe {}: {}\n", run.config().recipe.name, train::label(run.config()));
  return 0;
}

}  // namespace

void add_eval(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  command.add_option("run", f->run, "a run's directory");
  command.add_option("--data", f->data, "text files (default: the run's own)");
  command
      .add_option("--split", f->split, "heldout: the last tenth of each file; all: the whole text")
      ->check(CLI::IsMember({"heldout", "all"}))
      ->capture_default_str();
  command.add_option("--checkpoint", f->checkpoint, "best, last or a number of steps")
      ->capture_default_str();
  command
      .add_option("--window", f->window,
                  "bytes after which the context begins anew; losses of training are at 128, "
                  "those of carried contexts at 4096")
      ->check(between(2, 65536))
      ->capture_default_str();
  command.add_option("--threads", f->threads)->check(between(1, 1024));
  command.add_flag("--json", f->json, "one object");
  add_origin_flags(command, f->origin);
  command.callback([f, &exit] { exit = eval(*f); });
}

}  // namespace nibble::app
