// nibble train --data FILE... --out RUN [--recipe NAME|FILE] [--set KEY=VALUE]...
//              [--seed N | --seeds N,N,... [--ledger FILE --commit ID]]
//              [--threads N] [--steps N | --seconds N [--rate UPDATES]] [--target-nats X]
//              [--valid FILE] [--validation SHARE] [--checkpoint-every N] [--quiet]
//              [--fitness-command PROGRAM]
// nibble train --from RUN --out RUN [--data FILE...] [the same but --recipe]
// nibble train --resume RUN [--ledger FILE] [--threads N] [--quiet]
// mpirun -n N nibble train ...: one run by N processes, on one machine or many
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "command.h"
#include "command_scorer.h"
#include "console.h"
#include "folders.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/train/loop.h"
#include "numbers.h"
#include "ranks.h"
#include "train_seeds.h"

namespace nibble::app {
namespace {

struct Flags {
  std::vector<std::string> data, set;
  std::string out, resume, valid, recipe = "activity", ledger, commit, from, fitness_command;
  uint64_t seed = 1;
  std::vector<uint64_t> seeds;
  int threads = 0;
  int64_t steps = 0, checkpoint_every = 0;
  double seconds = 0, rate = 0, target_nats = 0, validation = 0;
  bool quiet = false;
};
constexpr double kDefaultSeconds = 60;
constexpr double kTrialValidation = 0.05;  // of a text whose trial goes into a ledger
constexpr int kExitInterrupted = 130;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // or a signal handler may not touch it

// The first signal asks for an orderly end; the second one, with the handler gone, kills.
void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction hang_up = {};
  sigaction(SIGHUP, nullptr, &hang_up);
  if (hang_up.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup ignores it
  std::signal(SIGPIPE, SIG_IGN);  // whoever read the progress may leave
}

std::string human_seconds(double s) {
  if (s < 0) return "?";
  if (s < 99.5) return fmt::format("{:.0f} s", s);
  if (s < 5970) return fmt::format("{:.0f} min", s / 60);
  return fmt::format("{:.1f} h", s / 3600);
}

std::string human_rate(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.2f} M", per_second / 1e6);
  return fmt::format("{:.1f} k", per_second / 1e3);
}

// One line that is rewritten on a terminal; a line for each record otherwise.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO)) {}
  ~ProgressLine() {
    if (open_) tell(stderr, "\n");
  }
  void show(const train::Progress& p) {
    if (quiet_ || !(p.recorded || (terminal_ && p.seconds >= shown_ + 0.2))) return;
    shown_ = p.seconds;
    const std::string steps = p.steps ? fmt::format("/{}", p.steps) : "";
    const std::string line =
        fmt::format("step {}{}  {}train {:.3f}  {} {:.3f} nats  {} lane tokens/s  {} left", p.step,
                    steps, p.score ? fmt::format("score {:.4g}  ", *p.score) : "", p.train_nats,
                    p.validated ? "validation" : "held-out", p.heldout_nats,
                    human_rate(p.lane_tokens_per_second), human_seconds(p.seconds_left));
    if (terminal_)
      tell(stderr, "\r{}\x1b[K", line), open_ = true;
    else
      tell(stderr, "{}\n", line);
  }

 private:
  bool quiet_, terminal_, open_ = false;
  double shown_ = -1;
};

// What a run inherits whose weights it begins with: the model, its alphabet, and its texts unless
// others are given.
void inherit(train::RunConfig& c, const Flags& flags, std::vector<std::string>& data,
             std::string& valid) {
  const train::Run base = train::Run::open(flags.from);
  c.from = std::filesystem::absolute(base.checkpoint_path(base.checkpoint("best").step))
               .lexically_normal()
               .string();
  c.recipe = base.config().recipe, c.alphabet = base.config().alphabet;
  c.validation_share = base.config().validation_share;
  for (const std::string& assignment : flags.set)
    if (assignment.rfind("model.", 0) == 0)
      throw Error(fmt::format("--set {}: --from keeps the model as it is", assignment));
  if (!data.empty()) return;
  for (const train::TextFile& f : base.config().data) data.push_back(f.path);
  if (!base.config().valid.empty() && valid.empty()) valid = base.config().valid[0].path;
}

train::LearnerFactory factory(const train::RunConfig& c) {
  if (c.fitness_command.empty()) return train::make_learner;
  const train::Scorer scorer = command_scorer(c.fitness_command);
  const auto alphabet = train::Alphabet::from_hex(c.alphabet);
  return [=](const train::Recipe& recipe, int, uint64_t seed, const Machine& machine, Pool* pool) {
    return train::make_scored_learner(recipe, alphabet, seed, machine, pool, scorer);
  };
}

train::RunConfig new_config(const Flags& flags) {
  train::RunConfig c;
  std::vector<std::string> data = flags.data;
  std::string valid = flags.valid;
  if (flags.from.empty())
    c.recipe = train::find_recipe(flags.recipe, recipe_folders());
  else
    inherit(c, flags, data, valid);
  c.recipe.figures.clear();  // of other runs
  for (const std::string& assignment : flags.set) train::set_field(c.recipe, assignment);
  c.seed = flags.seed;
  c.steps = flags.rate > 0 ? std::max(1LL, std::llround(flags.seconds * flags.rate)) : flags.steps;
  c.seconds = c.steps > 0 ? 0 : flags.seconds > 0 ? flags.seconds : kDefaultSeconds;
  c.target_nats = flags.target_nats;
  c.checkpoint_every = flags.checkpoint_every;
  c.fitness_command = flags.fitness_command;
  if (flags.validation > 0)
    c.validation_share = flags.validation;
  else if (!flags.ledger.empty() && c.validation_share == 0)
    c.validation_share = kTrialValidation;
  const train::Corpus corpus = train::read_corpus(data, valid, c.validation_share);
  c.data = corpus.data, c.valid = corpus.valid;
  train::require_length(c.recipe, int64_t(corpus.train.size()));
  // The compatibility mode has always had a column for every byte.
  if (c.alphabet.empty())
    c.alphabet =
        (c.recipe.arithmetic == train::Arithmetic::origin ? train::Alphabet::all_bytes()
                                                          : train::Alphabet::of(corpus.train))
            .hex();
  // What cannot be built is refused before there is a directory.
  const auto alphabet = train::Alphabet::from_hex(c.alphabet);
  if (c.fitness_command.empty())
    train::make_learner(c.recipe, alphabet.symbols(), c.seed, cpu::this_machine(), nullptr);
  else
    train::make_scored_learner(c.recipe, alphabet, c.seed, cpu::this_machine(), nullptr, {});
  return c;
}

// Of EPYC there is more than one micro-architecture.
std::string name_of(const Machine& m) {
  if (m.uarch == MicroArch::unknown) return m.cpu_model;
  return fmt::format("{}, {}", m.cpu_model, to_string(m.uarch));
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

void make_trial(const Flags& flags, int threads) {
  const std::set<uint64_t> distinct(flags.seeds.begin(), flags.seeds.end());
  if (distinct.size() != flags.seeds.size()) throw Error("--seeds: a seed stands there twice");
  const train::RunConfig c = new_config(flags);
  make_seeds(flags.out, c, flags.seeds,
             {.recipe = c.recipe.name,
              .set = flags.set,
              .label = train::label(c),
              .data = c.data,
              .valid = c.valid,
              .steps = flags.rate > 0 ? 0 : c.steps,
              .seconds = flags.rate > 0 ? flags.seconds : c.seconds,
              .rate = flags.rate,
              .target_nats = c.target_nats,
              .validation_share = c.validation_share,
              .machine = name_of(cpu::this_machine()),
              .commit = flags.commit,
              .date = today(),
              // A rate is that of the whole machine, whatever a run has of it.
              .threads = flags.rate > 0 ? cpu::this_machine().cores : threads});
}

void print_end(const train::Run& run, const train::Outcome& o) {
  const train::Metrics m = run.metrics();
  const auto& lines = m.ngram_nats;
  tell(stdout, "held-out {:.4f} nats/byte ({:.4f} bits) after {} steps in {:.1f} s", o.heldout_nats,
       o.heldout_nats / std::log(2.0), o.step, o.seconds);
  if (lines) tell(stdout, "; n-grams {:.3f} {:.3f} {:.3f}", (*lines)[0], (*lines)[1], (*lines)[2]);
  if (m.end && m.end->carried_nats)
    tell(stdout, "; in contexts of {} bytes {:.4f}", train::kCarriedWindow, *m.end->carried_nats);
  tell(stdout, "\nrecipe {}: {}\n", run.config().recipe.name, train::label(run.config()));
  std::vector<double> scores;
  for (const train::Record& r : m.records)
    if (r.score) scores.push_back(*r.score);
  if (!scores.empty())
    tell(stdout, "score {:.4g}, at first {:.4g}\n", scores.back(), scores.front());
}

// Makes the run, or goes on with it; of several ranks, the first one does.
train::Run open_run(Communicator* ranks, const Flags& flags) {
  const bool fresh = flags.resume.empty();
  std::optional<train::Run> run;
  on_rank_0(ranks, [&] {
    run =
        fresh ? train::Run::create(flags.out, new_config(flags)) : train::Run::resume(flags.resume);
  });
  together(ranks, [&] {
    if (!run) run = train::Run::open(fresh ? flags.out : flags.resume);
  });
  return std::move(*run);
}

Exit train_among(Communicator* ranks, const Flags& flags) {
  const Machine& machine = cpu::this_machine();
  const bool first = rank_of(ranks) == 0;
  const auto pool =
      cpu::make_pool(flags.threads > 0 ? flags.threads : threads_of_rank(machine.cores));
  const auto train_one = [&](train::Run& run) {
    ProgressLine line(flags.quiet || !first);
    return train::train(run, {.make = factory(run.config()),
                              .machine = machine,
                              .pool = pool.get(),
                              .interrupted = &interrupted,
                              .report = [&](const train::Progress& p) { line.show(p); },
                              .ranks = ranks});
  };
  const std::string path = flags.resume.empty() ? flags.out : flags.resume;
  const bool several = !flags.seeds.empty() || (!flags.resume.empty() && is_seeds(flags.resume));
  if (several && ranks)
    throw_once(ranks, "--seeds trains in one process: start each seed's run by mpirun instead");
  if (!several && flags.seeds.empty() && !flags.ledger.empty())
    throw_once(ranks,
               "--ledger takes trials: --seeds is needed, or --resume of a run with --seeds");
  train::Outcome outcome;
  if (several) {
    if (!flags.ledger.empty()) require_ledger(flags.ledger);
    if (flags.resume.empty()) make_trial(flags, pool->threads());
    catch_signals();
    outcome = train_seeds(path, train_one, flags.ledger);
  } else {
    train::Run run = open_run(ranks, flags);
    if (ranks && !run.config().fitness_command.empty())
      throw_once(ranks, "a fitness of one's own is trained by one process: no mpirun");
    catch_signals();
    outcome = train_one(run);
    if (first && !outcome.interrupted) print_end(run, outcome);
  }
  if (!outcome.interrupted) return 0;
  if (first)
    tell(stderr, "stopped after step {}; go on with: nibble train --resume {}\n", outcome.step,
         path);
  return kExitInterrupted;
}

// Of the ranks that wait in vain, one speaks: rank 0, or if that one has died, and its lock with
// it, who takes the lock over.
void say_stalled(const std::string& path, std::optional<FolderLock>& lock) {
  try {
    if (launch().rank > 0) lock.emplace(path);
  } catch (const Error&) {
    return;
  }
  print_error(
      fmt::format("another process of this run has died or is late; up to its last "
                  "checkpoint all is kept: go on with: nibble train --resume {}",
                  path));
}

Exit train_command(const Flags& flags) {
  const std::string& path = flags.resume.empty() ? flags.out : flags.resume;
  std::optional<FolderLock> lock;
  const auto ranks = join_ranks(interrupted, [&] { say_stalled(path, lock); });
  try {
    return train_among(ranks.get(), flags);
  } catch (const ErrorElsewhere&) {
  } catch (const std::exception& e) {
    print_error(e);
  }
  return 1;
}

}  // namespace

void add_train(CLI::App& command, Exit& exit) {
  auto f = std::make_shared<Flags>();
  auto* data =
      command.add_option("--data", f->data, "text files; the last tenth of each is held out");
  auto* out = command.add_option("--out", f->out, "the run's directory, new or empty");
  data->needs(out);
  auto* from = command
                   .add_option("--from", f->from,
                               "begin with the best weights of this run, and with its recipe, "
                               "alphabet and texts")
                   ->needs(out);
  auto* resume = command.add_option("--resume", f->resume, "go on with this run to its end");
  std::vector<CLI::Option*> fresh = {data, out, from};
  fresh.push_back(command.add_option("--recipe", f->recipe, "a name, or a file that ends in .json")
                      ->excludes(from)
                      ->capture_default_str());
  fresh.push_back(command.add_option("--fitness-command", f->fitness_command,
                                     "a program that scores texts (docs/fitness.md); no gradient "
                                     "is needed"));
  fresh.push_back(command.add_option("--set", f->set, "a field of the recipe, as in train.lr=0.01")
                      ->take_all()
                      ->expected(1));
  auto* seed = command.add_option("--seed", f->seed)->check(seed_number())->capture_default_str();
  auto* seeds = command
                    .add_option("--seeds", f->seeds,
                                "a run for each of 1,2,3: mean and spread; runs are RUN/seed-N")
                    ->delimiter(',')
                    ->check(seed_number())
                    ->excludes(seed);
  fresh.push_back(seed), fresh.push_back(seeds);
  auto* commit =
      command.add_option("--commit", f->commit, "of the program, for the ledger")->needs(seeds);
  fresh.push_back(commit);
  command.add_option("--ledger", f->ledger,
                     "append the trial of --seeds to this file; validates on 5% of the text");
  fresh.push_back(
      command.add_option("--valid", f->valid, "held-out text; --data is then all trained on"));
  fresh.push_back(command
                      .add_option("--validation", f->validation,
                                  "share of each text to choose settings on: neither trained on "
                                  "nor held out")
                      ->check(between(0.001, 0.5)));
  auto* steps = command.add_option("--steps", f->steps, "length in updates")
                    ->check(between(int64_t(1), int64_t(1) << 48));
  auto* seconds = command.add_option("--seconds", f->seconds, "length in seconds (default 60)")
                      ->check(between(0.1, 1e9))
                      ->excludes(steps);
  fresh.push_back(steps), fresh.push_back(seconds);
  fresh.push_back(
      command
          .add_option("--rate", f->rate,
                      "keep --seconds as so many updates a second: what an idle machine "
                      "makes with all processors; the same run however busy this one is")
          ->check(between(1e-3, 1e6))
          ->needs(seconds));
  fresh.push_back(command
                      .add_option("--target-nats", f->target_nats,
                                  "stop when the held-out loss is not above this")
                      ->check(between(0.001, 100.0)));
  fresh.push_back(command
                      .add_option("--checkpoint-every", f->checkpoint_every,
                                  "steps between checkpoints (default: 20 seconds)")
                      ->check(between(int64_t(1), int64_t(1) << 48)));
  for (CLI::Option* o : fresh) resume->excludes(o);
  command
      .add_option("--threads", f->threads,
                  "default: all processors; any number gives the same weights")
      ->check(between(1, 1024));
  command.add_flag("--quiet", f->quiet, "no progress on stderr");
  command.callback([f, &exit] {
    if (f->out.empty() && f->resume.empty())
      throw CLI::RequiredError("--data FILE... --out RUN, or --resume RUN,");
    if (!f->out.empty() && f->data.empty() && f->from.empty())
      throw CLI::RequiresError("--out", "--data");
    exit = train_command(*f);
  });
}

}  // namespace nibble::app
