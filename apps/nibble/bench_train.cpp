#include "bench_train.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "folders.h"
#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/ceilings.h"
#include "nibble/harness/statistics.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"
#include "nibble/train/learner.h"
#include "nibble/train/work.h"

namespace nibble::app {
namespace {

constexpr int kSymbols = 65;  // as many as tinyshakespeare has: a head of 80 columns

std::string recipe_of(const std::string& name) {
  return name == "default" ? "default-8m" : name == "small" ? "activity" : name;
}

double seconds_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double peak_mib() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return double(r.ru_maxrss) / 1024;  // KiB on Linux
}

struct Timed {
  std::unique_ptr<train::Learner> learner;
  int64_t lane_tokens = 0;  // of an update
  int64_t step = 0;

  double update(std::span<const uint8_t> text) {  // seconds
    const double begin = seconds_now();
    lane_tokens = learner->step(text, step++, 0).lane_tokens;
    return seconds_now() - begin;
  }
};

// A round is two updates of the batch with one of twice the batch between them. So many at least,
// and until the ratio of their times is known to kKnownTo, for at most kPatience times as long as
// was asked for: on a busy machine a few updates of milliseconds say anything from 1.2 to 3.4.
constexpr size_t kLeastRounds = 9;
constexpr double kKnownTo = 0.02, kPatience = 8, kLeastPatience = 2;  // the last in seconds

struct Rounds {
  std::vector<double> once;            // of each single update
  std::vector<double> pairs, doubled;  // of each round
  harness::Ratio ratio;                // of their medians

  void take(Timed& single, Timed& twice, std::span<const uint8_t> text, double seconds) {
    const double begin = seconds_now(), most = std::fmax(kPatience * seconds, kLeastPatience);
    size_t look = kLeastRounds;  // seldom: the interval takes thousands of medians
    for (;;) {
      once.push_back(single.update(text));
      doubled.push_back(twice.update(text));
      once.push_back(single.update(text));
      pairs.push_back((once.back() + once[once.size() - 2]) / 2);
      const double now = seconds_now() - begin;
      if (pairs.size() < look || now < seconds) continue;
      ratio = harness::ratio_of_medians(doubled, pairs);
      if (ratio.high - ratio.low <= 2 * kKnownTo * ratio.value || now > most) return;
      look = pairs.size() * 5 / 4;
    }
  }
};

}  // namespace

int bench_train(const TrainBench& b) {
  train::Recipe recipe = train::find_recipe(recipe_of(b.case_name), recipe_folders());
  for (const std::string& assignment : b.set) train::set_field(recipe, assignment);
  if (recipe.arithmetic != train::Arithmetic::product)
    throw Error("bench train times recipes of the product's arithmetic, not of the origin's");
  const Machine& machine = cpu::this_machine();
  const auto pool = cpu::make_pool(b.threads);
  std::vector<uint8_t> text(1 << 16);
  Random rng(1);
  for (uint8_t& symbol : text) symbol = uint8_t(rng.below(kSymbols));

  const auto timed = [&](const train::Recipe& r) {
    Timed t{.learner = train::make_learner(r, kSymbols, 1, machine, pool.get())};
    t.update(text);
    return t;
  };
  train::Recipe twice_recipe = recipe;
  twice_recipe.train.batch *= 2;
  Timed once = timed(recipe);
  const double mib = peak_mib();
  Timed twice = timed(twice_recipe);
  const auto& roof =
      harness::compute_roof(machine, b.threads, machine.isas, Arithmetic::int8).ceiling;
  Rounds rounds;
  rounds.take(once, twice, text, b.seconds);
  const double s = harness::median(rounds.once);
  const harness::Ratio& ratio = rounds.ratio;
  const double gops = double(train::integer_ops(recipe, kSymbols)) / s * 1e-9;
  const double lane_tokens = double(once.lane_tokens) / s;
  if (b.json)
    fmt::print("{}\n", text_of({{"bench", "train"},
                                {"case", b.case_name},
                                {"recipe", recipe.name},
                                {"how", train::label(recipe)},
                                {"parameters", once.learner->parameters()},
                                {"threads", b.threads},
                                {"batch", recipe.train.batch},
                                {"updates", rounds.once.size()},
                                {"seconds_per_update", s},
                                {"lane_tokens_per_s", lane_tokens},
                                {"gop_per_s", gops},
                                {"ceiling", roof.name},
                                {"ceiling_gop_per_s", roof.value},
                                {"share", gops / roof.value},
                                {"double_batch_time_ratio", ratio.value},
                                {"double_batch_time_ratio_low", ratio.low},
                                {"double_batch_time_ratio_high", ratio.high},
                                {"peak_mib", mib}}));
  else
    fmt::print(
        "recipe {}: {}\n"
        "  {} parameters, batch {}, {} threads\n"
        "  {:.2f} M lane tokens/s, median of {} updates of {:.1f} ms\n"
        "  {:.1f} GOP/s of {} matrix products, {:.1f}% of {} ({:.1f} GOP/s)\n"
        "  twice the batch takes {:.2f} times as long [{:.2f}, {:.2f}]; peak memory {:.0f} MiB\n",
        recipe.name, train::label(recipe), once.learner->parameters(), recipe.train.batch,
        b.threads, lane_tokens * 1e-6, rounds.once.size(), s * 1e3, gops,
        recipe.model.weights == train::WeightFormat::bf16 ? "bf16 and integer" : "integer",
        100 * gops / roof.value, roof.name, roof.value, ratio.value, ratio.low, ratio.high, mib);
  return 0;
}

}  // namespace nibble::app
