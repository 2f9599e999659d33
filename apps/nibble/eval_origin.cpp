#include "eval_origin.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/runtime/error.h"
#include "nibble/train/origin.h"
#include "nibble/train/origin_es.h"
#include "numbers.h"

namespace nibble::app {
namespace {

struct Pair {
  uint64_t part[3] = {};  // seed, epoch, pair
};

Pair parse_pair(const std::string& text) {
  Pair p;
  const char *at = text.data(), *end = at + text.size();
  for (int i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, p.part[i]);
    const bool last = i == 2;
    if (error != std::errc() || (last ? next != end : next == end || *next != ':'))
      throw Error(fmt::format(
          "--origin-pair {}: SEED:EPOCH:PAIR is needed, three whole numbers as in 1:0:0", text));
    at = next + 1;
  }
  return p;
}

}  // namespace

void add_origin_flags(CLI::App& command, OriginEval& f) {
  auto& r = f.recipe;
  const std::string group = "Compatibility mode";
  auto* arithmetic = command
                         .add_option_function<std::string>(
                             "--arithmetic", [&f](const std::string&) { f.chosen = true; },
                             "origin: evaluate the compatibility mode's untrained model")
                         ->check(CLI::IsMember({"origin"}))
                         ->group(group);
  for (const char* of_runs : {"--split", "--checkpoint", "--window"})
    arithmetic->excludes(command.get_option(of_runs));
  const auto option = [&](const char* name, auto& to, const char* help) {
    return command.add_option(name, to, help)
        ->capture_default_str()
        ->group(group)
        ->needs(arithmetic);
  };
  option("--origin-pair", f.pair, "SEED:EPOCH:PAIR, whose noise and batch are taken");
  option("--hidden", r.hidden, "")->check(between(1, 1024));
  option("--layers", r.layers, "")->check(between(2, 1024));
  option("--mlp-mult", r.mlp_mult, "")->check(between(1, 64));
  option("--batch", r.batch, "sequences")->check(between(1, 65536));
  option("--seq", r.seq, "bytes of a sequence")->check(between(1, 65536));
  option("--sigma-shift", f.sigma_shift, "noise is scaled by 2^-shift")->check(between(0, 6));
  option("--clt-k", r.clt_k, "draws summed for a noise element")->check(between(0, 63));
  const auto scale = between(0.0, 1000.0);
  option("--act-scale", r.act_scale, "")->check(scale);
  option("--mlp-act-scale", r.mlp_act_scale, "")->check(scale);
  option("--residual-scale", r.residual_scale, "")->check(scale);
  option("--mlp-residual-scale", r.mlp_residual_scale, "")->check(scale);
}

Exit eval_origin(const OriginEval& f, const std::string& file, int threads, bool json) {
  const auto [part] = parse_pair(f.pair);
  const Machine& machine = cpu::this_machine();
  const auto pool = cpu::make_pool(threads > 0 ? threads : machine.cores);
  const efla_lm::OriginConfig config = train::origin_config(f.recipe);
  efla_lm::OriginModel model(config, machine);
  const train::TextPart text = train::read_text(file);
  const train::OriginBatch batch =
      train::origin_batch(text.bytes, mix64(part[0], part[1]), f.recipe.batch, f.recipe.seq);
  const auto parameters = efla_lm::origin_init(config);
  model.set_noise(train::origin_pair_seed(part[0], part[1], part[2]), pool.get());
  const auto loss = [&](int sign) {
    return model.loss(parameters, {sign, f.sigma_shift}, batch.tokens, batch.targets, f.recipe.seq,
                      pool.get());
  };
  const double clean = loss(0), plus = loss(1), minus = loss(-1);
  if (json)
    fmt::print("{}\n",
               nlohmann::ordered_json{{"clean", clean}, {"plus", plus}, {"minus", minus}}.dump());
  else
    fmt::print("clean {:.6f}, plus {:.6f}, minus {:.6f} nats/byte on {} bytes\n", clean, plus,
               minus, batch.tokens.size());
  return 0;
}

}  // namespace nibble::app
