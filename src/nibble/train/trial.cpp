#include "nibble/train/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"

namespace nibble::train {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kKind = "nibble-trial 1";

Json json_of(const std::vector<TextFile>& files) {
  Json list = Json::array();
  for (const TextFile& f : files)
    list.push_back({{"name", std::filesystem::path(f.path).filename().string()},
                    {"bytes", f.bytes},
                    {"xxh3", f.hash}});
  return list;
}

std::vector<TextFile> files_of(const Json& list) {
  std::vector<TextFile> files;
  for (const Json& f : list)
    files.push_back({.path = f.at("name").get<std::string>(),
                     .bytes = f.at("bytes").get<int64_t>(),
                     .hash = f.at("xxh3").get<std::string>()});
  return files;
}

// What an update costs does not depend on these, so neither does the number of updates in a time.
constexpr const char* kFree[] = {
    "train.sigma=",        "train.lr=",           "train.lr_end=",     "train.lr_mixer=",
    "train.weight_decay=", "train.beta1=",        "train.beta2=",      "train.credit_decay=",
    "train.z_threshold=",  "train.fitness_clip=", "train.zscore_clip="};

// What decides how long an update takes: the recipe with its other overrides.
std::string work_of(const Trial& t) {
  std::string work = t.recipe;
  for (const std::string& s : t.set)
    if (std::none_of(std::begin(kFree), std::end(kFree),
                     [&](const char* key) { return s.rfind(key, 0) == 0; }))
      work += " " + s;
  return work;
}

double mean_updates(const Trial& t) {
  double updates = 0;
  for (const SeedResult& s : t.seeds) updates += double(s.steps) / double(t.seeds.size());
  return updates;
}

// Of versions of the program, whether equal seconds were about as much work: the same work took
// the same time, to a tenth.
bool of_one_speed(const Trial& a, const Trial& b) {
  if (a.steps > 0 || a.commit == b.commit) return true;
  const double of_a = mean_updates(a), of_b = mean_updates(b);
  return work_of(a) == work_of(b) && std::fabs(of_a - of_b) <= 0.1 * std::max(of_a, of_b);
}

// Parts of a group, each in its order, in which pairs of one speed connect all.
std::vector<std::vector<const Trial*>> speeds_of(const std::vector<const Trial*>& group) {
  std::vector<std::vector<const Trial*>> parts;
  for (const Trial* t : group) {
    std::vector<const Trial*> joined = {t};
    std::vector<std::vector<const Trial*>> apart;
    for (auto& part : parts) {
      const bool near = std::any_of(part.begin(), part.end(),
                                    [&](const Trial* other) { return of_one_speed(*t, *other); });
      if (near)
        joined.insert(joined.end() - 1, part.begin(), part.end());
      else
        apart.push_back(std::move(part));
    }
    parts = std::move(apart);
    parts.push_back(std::move(joined));
  }
  return parts;
}

std::vector<double> values(const Trial& t, double SeedResult::*member) {
  std::vector<double> v;
  for (const SeedResult& s : t.seeds) v.push_back(s.*member);
  return v;
}

// What must be equal for two trials to be compared.
std::string heading(const Trial& t) {
  std::string texts;
  for (const auto* files : {&t.data, &t.valid})
    for (const TextFile& f : *files)
      texts += fmt::format("{}{} ({})", texts.empty() ? "" : ", ", f.path, f.hash.substr(0, 8));
  const std::string budget =
      t.steps > 0 ? fmt::format("{} steps", t.steps) : fmt::format("{:g} s", t.seconds);
  const std::string target = t.target_nats > 0 ? fmt::format(" or {:g} nats", t.target_nats) : "";
  return fmt::format("{}; {}{}; {} thread{} of {}; validation on {:g}%", texts, budget, target,
                     t.threads, t.threads == 1 ? "" : "s", t.machine, 100 * t.validation_share);
}

// What the best trial of a group lets one say about this one. The gap between two means has the
// error sqrt(s^2 / n + s'^2 / n'); two of it are asked for.
std::string verdict(const Trial& t, const Trial& best, bool alone) {
  if (t.validation_share == 0) return "no validation part: not compared";
  if (int(t.seeds.size()) < kClaimSeeds)
    return fmt::format("no claim: {} of {} seeds", t.seeds.size(), kClaimSeeds);
  if (alone) return "nothing to compare with";
  if (&t == &best) return "best";
  const Spread a = spread(values(t, &SeedResult::validation_nats)),
               b = spread(values(best, &SeedResult::validation_nats));
  const double error = std::sqrt(a.deviation * a.deviation / double(t.seeds.size()) +
                                 b.deviation * b.deviation / double(best.seeds.size()));
  const double gap = a.mean - b.mean;
  if (gap <= 2 * error) return fmt::format("within the spread of the best (+{:.4f})", gap);
  return fmt::format("worse by {:.4f}", gap);
}

std::string commits_of(const std::vector<const Trial*>& trials) {
  std::vector<std::string> commits;
  for (const Trial* t : trials)
    if (std::find(commits.begin(), commits.end(), t->commit) == commits.end())
      commits.push_back(t->commit);
  std::string all = commits.size() > 1 ? "commits" : "commit";
  for (const std::string& c : commits) all += (&c == &commits[0] ? " " : ", ") + c;
  return all;
}

std::string figure(std::span<const double> v) {
  const Spread s = spread(v);
  return v.size() < 2 ? fmt::format("{:.4f}", s.mean)
                      : fmt::format("{:.4f} +- {:.4f}", s.mean, s.deviation);
}

struct Row {
  std::string recipe, seeds, updates, lane_tokens, validation, heldout, verdict, commit;
};

Row row_of(const Trial& t, const Trial& best, bool alone) {
  std::string recipe = t.recipe, seeds, carried;
  for (const std::string& s : t.set) recipe += " " + s;
  for (const SeedResult& s : t.seeds) seeds += (seeds.empty() ? "" : ",") + std::to_string(s.seed);
  if (t.seeds[0].carried_nats >= 0)
    carried = "; carried " + figure(values(t, &SeedResult::carried_nats));
  double tokens = 0;
  for (const SeedResult& s : t.seeds) tokens += double(s.lane_tokens) / double(t.seeds.size());
  return {
      .recipe = recipe,
      .seeds = seeds,
      .updates = fmt::format("{:.0f}", mean_updates(t)) +
                 (t.rate > 0 ? fmt::format(" at {:g}/s", t.rate) : ""),
      .lane_tokens = fmt::format("{:.3g}", tokens),
      .validation = t.validation_share > 0 ? figure(values(t, &SeedResult::validation_nats)) : "",
      .heldout = figure(values(t, &SeedResult::heldout_nats)) + carried,
      .verdict = verdict(t, best, alone),
      .commit = t.commit.empty() ? "?" : t.commit};
}

}  // namespace

std::string to_json(const Trial& t) {
  Json seeds = Json::array();
  for (const SeedResult& s : t.seeds) {
    Json j = {{"seed", s.seed},
              {"steps", s.steps},
              {"lane_tokens", s.lane_tokens},
              {"seconds", s.seconds},
              {"heldout_nats", s.heldout_nats}};
    if (s.validation_nats >= 0) j["validation_nats"] = s.validation_nats;
    if (s.carried_nats >= 0) j["carried_nats"] = s.carried_nats;
    seeds.push_back(j);
  }
  Json j = {{"kind", kKind}, {"date", t.date},   {"commit", t.commit},     {"recipe", t.recipe},
            {"set", t.set},  {"label", t.label}, {"data", json_of(t.data)}};
  if (!t.valid.empty()) j["valid"] = json_of(t.valid);
  if (t.steps > 0) j["steps"] = t.steps;
  if (t.seconds > 0) j["seconds"] = t.seconds;
  if (t.rate > 0) j["rate"] = t.rate;
  if (t.target_nats > 0) j["target_nats"] = t.target_nats;
  j["validation_share"] = t.validation_share;
  j["machine"] = t.machine, j["threads"] = t.threads, j["seeds"] = seeds;
  if (t.seeds.size() > 1) {
    const Spread heldout = spread(values(t, &SeedResult::heldout_nats));
    j["heldout_mean"] = heldout.mean, j["heldout_deviation"] = heldout.deviation;
  }
  return text_of(j);
}

bool is_trial(const std::string& json) {
  const Json j = Json::parse(json, nullptr, false);
  return j.is_object() && j.contains("kind");
}

Trial parse_trial(const std::string& json, const std::string& source) try {
  const Json j = Json::parse(json);
  if (j.at("kind").get<std::string>() != kKind)
    throw Error(fmt::format("{}: the kind is '{}', this program reads '{}'", source,
                            j["kind"].get<std::string>(), kKind));
  Trial t = {.recipe = j.at("recipe").get<std::string>(),
             .set = j.at("set").get<std::vector<std::string>>(),
             .label = j.at("label").get<std::string>(),
             .data = files_of(j.at("data")),
             .valid = files_of(j.value("valid", Json::array())),
             .steps = j.value("steps", int64_t(0)),
             .seconds = j.value("seconds", 0.0),
             .rate = j.value("rate", 0.0),
             .target_nats = j.value("target_nats", 0.0),
             .validation_share = j.at("validation_share").get<double>(),
             .machine = j.at("machine").get<std::string>(),
             .commit = j.at("commit").get<std::string>(),
             .date = j.at("date").get<std::string>(),
             .threads = j.at("threads").get<int>()};
  for (const Json& s : j.at("seeds"))
    t.seeds.push_back({.seed = s.at("seed").get<uint64_t>(),
                       .steps = s.at("steps").get<int64_t>(),
                       .lane_tokens = s.at("lane_tokens").get<int64_t>(),
                       .seconds = s.at("seconds").get<double>(),
                       .validation_nats = s.value("validation_nats", -1.0),
                       .heldout_nats = s.at("heldout_nats").get<double>(),
                       .carried_nats = s.value("carried_nats", -1.0)});
  return t;
} catch (const Json::exception& e) {
  throw Error(fmt::format("{}: not a trial: {}", source, reason(e)));
}

Spread spread(std::span<const double> v) {
  if (v.empty()) return {};
  Spread s;
  for (const double x : v) s.mean += x / double(v.size());
  for (const double x : v) s.deviation += (x - s.mean) * (x - s.mean);
  s.deviation = v.size() > 1 ? std::sqrt(s.deviation / double(v.size() - 1)) : 0;
  return s;
}

std::string trial_table(std::span<const Trial> trials, bool markdown) {
  std::map<std::string, std::vector<const Trial*>> headings;
  for (const Trial& t : trials)
    if (!t.seeds.empty()) headings[heading(t)].push_back(&t);
  std::vector<std::pair<std::string, std::vector<const Trial*>>> groups;
  for (const auto& [title, all] : headings) {
    const auto parts = speeds_of(all);
    for (const auto& part : parts)
      groups.emplace_back(title + (parts.size() > 1 ? "; " + commits_of(part) : ""), part);
  }
  std::string out;
  for (auto& [title, group] : groups) {
    const auto nats = [](const Trial* t) {
      return spread(values(*t, &SeedResult::validation_nats)).mean;
    };
    std::stable_sort(group.begin(), group.end(),
                     [&](const Trial* a, const Trial* b) { return nats(a) < nats(b); });
    const Trial* best = group[0];  // the first of which a claim may be made
    for (size_t i = group.size(); i-- > 0;)
      if (int(group[i]->seeds.size()) >= kClaimSeeds) best = group[i];
    out += (out.empty() ? "" : "\n") + title + "\n" + (markdown ? "\n" : "");
    if (markdown)
      out +=
          "| recipe | seeds | updates | lane tokens | validation | held-out | verdict | commit |\n"
          "|---|---|---|---|---|---|---|---|\n";
    for (const Trial* t : group) {
      const Row r = row_of(*t, *best, group.size() == 1);
      out +=
          markdown
              ? fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", r.recipe, r.seeds,
                            r.updates, r.lane_tokens, r.validation, r.heldout, r.verdict, r.commit)
              : fmt::format("  {:<18} {:<18} {:<44} seeds {}  updates {}  lane tokens {}  {}  {}\n",
                            r.validation, r.heldout, r.recipe, r.seeds, r.updates, r.lane_tokens,
                            r.verdict, r.commit);
    }
  }
  return out;
}

}  // namespace nibble::train
