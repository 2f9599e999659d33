#include "nibble/train/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

#include "nibble/runtime/error.h"

namespace nibble::train {
namespace {

// The held-out sample that records are measured on: all of a short held-out part, else evenly
// spaced pieces of whole windows, because the beginning of a text is not like the rest of it.
constexpr int64_t kPieces = 8, kPiece = 32 * kWindow;

std::vector<std::span<const uint8_t>> sample_of(std::span<const uint8_t> heldout) {
  const int64_t n = int64_t(heldout.size());
  if (n <= kPieces * kPiece + 1) return {heldout};
  std::vector<std::span<const uint8_t>> pieces;
  for (int64_t i = 0; i < kPieces; ++i)
    pieces.push_back(heldout.subspan(size_t((n - kPiece - 1) * i / (kPieces - 1)), kPiece + 1));
  return pieces;
}

// An evaluation asks between pieces of so many windows whether it shall go on.
constexpr int64_t kEvaluated = 64;
using Stop = std::function<bool()>;

std::optional<double> heldout_nats(const Learner& learner, const Alphabet& alphabet,
                                   std::span<const uint8_t> text, const Stop& stop,
                                   int window = kWindow) {
  const Bytes symbols = alphabet.encode(text);
  const int64_t count = int64_t(symbols.size()) - 1;
  double sum = 0;
  for (int64_t at = 0; at < count; at += kEvaluated * window) {
    if (stop()) return std::nullopt;
    const int64_t predicted = std::min(kEvaluated * window, count - at);
    const auto piece = std::span(symbols).subspan(size_t(at), size_t(predicted) + 1);
    sum += learner.loss(piece, window) * double(predicted);
  }
  return (sum + alphabet.escaped_nats(text)) / double(count);
}

std::optional<double> sample_nats(const Learner& learner, const Alphabet& alphabet,
                                  std::span<const uint8_t> heldout, const Stop& stop) {
  const auto pieces = sample_of(heldout);
  double sum = 0;  // the pieces are equally long
  for (const auto& piece : pieces) {
    const auto nats = heldout_nats(learner, alphabet, piece, stop);
    if (!nats) return nats;
    sum += *nats;
  }
  return sum / double(pieces.size());
}

double steady_seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// Records come often at first and then every 2% more, so that a curve over log time is even; and
// so seldom that measuring the held-out loss takes less than 5% of the time.
double seconds_to_next_record(double seconds, double cost) {
  return std::fmax(std::fmax(0.1, std::fmin(0.5, 0.25 * seconds)),
                   std::fmax(0.02 * seconds, 20 * cost));
}
constexpr double kSecondsToNextCheckpoint = 20;

class Loop {
 public:
  Loop(Run& run, const TrainOptions& options);
  Outcome go();

 private:
  void begin();
  Outcome go_on();
  void step();
  void plan();
  void agree(std::optional<Horizon>& next);
  void record(bool first = false);
  void save();
  void check_weights();
  void report() const;
  Outcome finish();
  Outcome interrupted() const;
  // What records are measured on and checkpoints chosen by.
  const Bytes& judged() const {
    return corpus_.validation.empty() ? corpus_.heldout : corpus_.validation;
  }
  // Collective: whether one of the ranks was told to stop, now or before.
  bool stop() {
    const bool told = options_.interrupted && *options_.interrupted;
    return stop_ = stop_ || any_of(ranks_, told);
  }
  double now() const { return base_ + clock_() - started_; }

  Run& run_;
  const RunConfig& config_;
  const TrainOptions& options_;
  Communicator* ranks_;
  std::function<double()> clock_;
  Corpus corpus_;
  Alphabet alphabet_;
  Bytes text_;  // the training part as symbols
  std::unique_ptr<Learner> learner_;
  Mark mark_;                      // where the run stands
  double base_ = 0, started_ = 0;  // seconds of earlier processes; when this one began
  std::optional<HorizonEstimator> estimator_;
  double nats_ = 0, last_nats_ = 0;  // sum over the steps since the last record; of the last step
  double score_ = 0;                 // sum over the `scored_` steps since the last record
  int64_t scored_ = 0;
  std::optional<double> last_score_;
  Mark recorded_;       // at the last record
  int64_t saved_ = -1;  // step of the last checkpoint
  double saved_at_ = 0;
  double speed_ = 0;
  double record_cost_ = 0;  // seconds
  // Decided after each step, by rank 0's clock but for stop_.
  bool stop_ = false, save_due_ = false, record_due_ = false;
};

Loop::Loop(Run& run, const TrainOptions& options)
    : run_(run),
      config_(run.config()),
      options_(options),
      ranks_(options.ranks),
      clock_(options.clock ? options.clock : steady_seconds),
      corpus_(reread_corpus(run.config())),
      alphabet_(Alphabet::from_hex(run.config().alphabet)),
      text_(alphabet_.encode(corpus_.train)) {
  require_length(config_.recipe, int64_t(text_.size()));
  learner_ = options.make(config_.recipe, alphabet_.symbols(), config_.seed, options.machine,
                          options.pool);
}

void Loop::begin() {
  int64_t last = -1;
  on_rank_0(ranks_, [&] {
    const std::vector<Mark> marks = run_.checkpoints();
    if (!marks.empty()) last = marks.back().step;
    if (marks.empty()) run_.rewind_metrics(-1);
  });
  from_rank_0(ranks_, {&last, 1});
  if (last < 0) {
    if (config_.steps > 0) mark_.horizon.steps = config_.steps;
    if (!config_.from.empty()) together(ranks_, [&] { restore_weights(*learner_, config_.from); });
  } else {
    together(ranks_, [&] { mark_ = restore(*learner_, run_.checkpoint_path(last)); });
    saved_ = mark_.step;
    on_rank_0(ranks_, [&] { run_.rewind_metrics(mark_.step); });
  }
  together(ranks_, [&] { learner_->share(ranks_); });
  base_ = saved_at_ = mark_.seconds, recorded_ = mark_;
  started_ = clock_();
  if (last < 0) {
    on_rank_0(ranks_, [&] { run_.append(ngram_nats(corpus_.train, corpus_.heldout)); });
    record(true);
    if (config_.steps > 0) on_rank_0(ranks_, [&] { run_.append(mark_.horizon); });
  }
  if (config_.seconds > 0) estimator_.emplace(config_.seconds, mark_.step, mark_.seconds);
}

void Loop::record(bool first) {
  const double before = now();
  const auto nats = sample_nats(*learner_, alphabet_, judged(), [&] { return stop(); });
  if (!nats) return;
  mark_.heldout_nats = *nats;
  const auto few =
      std::span<const uint8_t>(text_).first(std::min<size_t>(text_.size(), kPiece + 1));
  Record r;
  on_rank_0(ranks_,
            [&] { r.health = learner_->health(few), r.matrices = learner_->look_at_matrices(); });
  mark_.seconds = now();
  record_cost_ = mark_.seconds - before;
  const int64_t steps = mark_.step - recorded_.step;
  const double seconds = mark_.seconds - recorded_.seconds;
  if (steps > 0 && seconds > 0)
    speed_ = double(mark_.lane_tokens - recorded_.lane_tokens) / seconds;
  r.step = mark_.step, r.seconds = mark_.seconds;
  r.tokens = mark_.tokens, r.lane_tokens = mark_.lane_tokens;
  r.train_nats = steps > 0 ? nats_ / double(steps) : 0;
  r.heldout_nats = mark_.heldout_nats;
  r.lane_tokens_per_second = first ? 0 : speed_;
  if (scored_ > 0) r.score = score_ / double(scored_);
  on_rank_0(ranks_, [&] { run_.append(r); });
  nats_ = score_ = 0, scored_ = 0, recorded_ = mark_;
}

void Loop::save() {
  check_weights();
  on_rank_0(ranks_, [&] { run_.save(learner_->state(), mark_, options_.keep); });
  saved_ = mark_.step, saved_at_ = mark_.seconds;
}

void Loop::check_weights() {
  if (!ranks_) return;
  learner_->gather();
  const std::vector<int64_t> hashes = gather(ranks_, int64_t(hash_of(learner_->state())));
  for (size_t r = 1; r < hashes.size(); ++r)
    if (hashes[r] != hashes[0])
      throw_once(ranks_,
                 fmt::format("after step {} the weights of rank {} are not those of rank 0: equal "
                             "programs and sound memory are needed everywhere",
                             mark_.step, r));
}

// In a timed run, a new horizon where one is due; what is to be done after this step.
void Loop::plan() {
  std::optional<Horizon> next;
  if (!options_.replay.empty()) {
    for (const Horizon& h : options_.replay)
      if (h.at == mark_.step) next = h;
  } else if (estimator_) {
    next = estimator_->update(mark_.horizon, mark_.step, mark_.seconds);
  }
  save_due_ = config_.checkpoint_every > 0 ? mark_.step % config_.checkpoint_every == 0
                                           : mark_.seconds >= saved_at_ + kSecondsToNextCheckpoint;
  record_due_ =
      mark_.seconds >= recorded_.seconds + seconds_to_next_record(mark_.seconds, record_cost_);
  stop_ = stop_ || (options_.interrupted && *options_.interrupted);
  if (ranks_) agree(next);
  if (!next) return;
  mark_.horizon = *next;
  on_rank_0(ranks_, [&] { run_.append(mark_.horizon); });
}

// All ranks follow rank 0's clock, and stop when one of them was told to.
void Loop::agree(std::optional<Horizon>& next) {
  const Horizon h = next.value_or(Horizon());
  int64_t said[] = {stop_,
                    save_due_,
                    record_due_,
                    next.has_value(),
                    h.at,
                    h.steps,
                    std::bit_cast<int64_t>(h.from)};
  if (ranks_->rank() != 0) std::fill(said + 1, std::end(said), 0);
  ranks_->sum(said);
  stop_ = said[0] > 0, save_due_ = said[1] > 0, record_due_ = said[2] > 0;
  next.reset();
  if (said[3] > 0) next = {.at = said[4], .from = std::bit_cast<double>(said[6]), .steps = said[5]};
}

void Loop::step() {
  const StepResult r = learner_->step(text_, mark_.step, mark_.horizon.progress(mark_.step));
  if (!std::isfinite(r.train_nats))
    throw_once(ranks_, fmt::format("training diverged in step {}: the loss is not a number; a "
                                   "smaller train.lr or train.sigma is needed",
                                   mark_.step));
  ++mark_.step;
  mark_.tokens += r.data_tokens, mark_.lane_tokens += r.lane_tokens;
  mark_.seconds = now();
  nats_ += r.train_nats, last_nats_ = r.train_nats;
  if ((last_score_ = r.score)) score_ += *r.score, ++scored_;
}

Outcome Loop::interrupted() const {
  return {.interrupted = true,
          .step = mark_.step,
          .seconds = mark_.seconds,
          .heldout_nats = mark_.heldout_nats};
}

Outcome Loop::finish() {
  const bool target = !mark_.horizon.done(mark_.step);
  const auto nats = heldout_nats(*learner_, alphabet_, corpus_.heldout, [&] { return stop(); });
  if (!nats) return interrupted();
  RunEnd end = {.why = target              ? "target"
                       : config_.steps > 0 ? "steps"
                                           : "seconds",
                .step = mark_.step,
                .heldout_nats = *nats,
                .heldout_bytes = int64_t(corpus_.heldout.size()) - 1};
  if (!corpus_.validation.empty()) {
    end.validation_nats =
        heldout_nats(*learner_, alphabet_, corpus_.validation, [&] { return stop(); });
    if (!end.validation_nats) return interrupted();
  }
  if (config_.recipe.train.carry > 1) {
    end.carried_nats = heldout_nats(
        *learner_, alphabet_, corpus_.heldout, [&] { return stop(); }, kCarriedWindow);
    if (!end.carried_nats) return interrupted();
  }
  on_rank_0(ranks_, [&] {
    if (!run_.metrics().end) run_.append(end);
  });
  return {.step = mark_.step, .seconds = mark_.seconds, .heldout_nats = *nats};
}

Outcome Loop::go() {
  begin();
  try {
    return go_on();
  } catch (const ErrorElsewhere&) {
    throw;
  } catch (const Error& e) {
    throw Error(saved_ < 0 ? fmt::format("{}; there is no checkpoint yet", e.what())
                           : fmt::format("{}; the last good checkpoint is '{}'", e.what(),
                                         run_.checkpoint_path(saved_)));
  }
}

void Loop::report() const {
  if (!options_.report) return;
  const double rate = double(mark_.step) / std::fmax(mark_.seconds, 1e-9);
  const bool timed = config_.seconds > 0;
  options_.report({.step = mark_.step,
                   .steps = mark_.horizon.steps,
                   .seconds = mark_.seconds,
                   .seconds_left = std::fmax(0, timed ? config_.seconds - mark_.seconds
                                                      : double(config_.steps - mark_.step) / rate),
                   .train_nats = last_nats_,
                   .heldout_nats = mark_.heldout_nats,
                   .validated = !corpus_.validation.empty(),
                   .score = last_score_,
                   .lane_tokens_per_second = speed_,
                   .recorded = recorded_.step == mark_.step});
}

Outcome Loop::go_on() {
  const auto reached = [&] {
    return config_.target_nats > 0 && mark_.step > 0 && mark_.heldout_nats <= config_.target_nats;
  };
  while (!mark_.horizon.done(mark_.step) && !reached()) {
    if (!ranks_) stop();
    if (stop_) {
      // Step 0 is what a run begins with.
      if (saved_ != mark_.step && mark_.step > 0) save();
      return interrupted();
    }
    step();
    plan();
    const bool last = mark_.horizon.done(mark_.step);
    if (ranks_ && mark_.step % options_.check_every == 0) check_weights();
    if (last || save_due_ || record_due_) record();
    if (last || save_due_ || reached()) save();
    report();
  }
  return finish();
}

}  // namespace

double heldout_nats(const Learner& learner, const Alphabet& alphabet, std::span<const uint8_t> text,
                    int window) {
  return *heldout_nats(
      learner, alphabet, text, [] { return false; }, window);
}

void require_length(const Recipe& recipe, int64_t training_bytes) {
  const TrainRecipe& t = recipe.train;
  const int64_t most = int64_t(t.seq) * t.carry;
  if (training_bytes <= most)
    throw Error(fmt::format(
        "the training part has {} bytes: train.seq = {}{} needs at least {}", training_bytes, t.seq,
        t.carry > 1 ? fmt::format(" and train.carry = {}", t.carry) : "", most + 1));
}

Outcome train(Run& run, const TrainOptions& options) {
  std::optional<Loop> loop;
  together(options.ranks, [&] { loop.emplace(run, options); });
  return loop->go();
}

std::unique_ptr<Learner> load_learner(const Run& run, int64_t step, const LearnerFactory& make,
                                      const Machine& machine, Pool* pool) {
  const RunConfig& c = run.config();
  const int symbols = Alphabet::from_hex(c.alphabet).symbols();
  auto learner = make(c.recipe, symbols, c.seed, machine, pool);
  restore(*learner, run.checkpoint_path(step));
  return learner;
}

}  // namespace nibble::train
