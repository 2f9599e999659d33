#include "nibble/harness/explain.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace nibble::harness {

Choice explain(const OpView& op, int case_index, const Machine& machine,
               std::span<const Proof> proofs) {
  const auto bound = op.bind(case_index);
  Choice choice{.op = std::string(op.name()),
                .case_name = std::string(op.case_info(case_index).name)};
  choice.chosen = bound->select(machine, proofs);
  for (int v = 0; v < op.num_variants(); ++v) {
    const VariantInfo info = op.variant(v);
    Candidate& c = choice.candidates.emplace_back();
    c.variant = info.name, c.needs = to_string(info.needs);
    c.level = level_of(op.name(), info.name, proofs);
    c.cost_us = bound->cost(v, machine);
    if (v == choice.chosen) continue;
    c.why_not = bound->refusal(v, machine, proofs);
    if (c.why_not.empty())
      c.why_not = fmt::format("costs more: {:.4g} us against {:.4g} us of {}", c.cost_us,
                              bound->cost(choice.chosen, machine), op.variant(choice.chosen).name);
  }
  return choice;
}

std::string Choice::sentence() const {
  if (chosen >= 0) {
    const Candidate& c = candidates[size_t(chosen)];
    int refused = 0;
    for (const Candidate& other : candidates)
      refused += &other != &c && !other.why_not.starts_with("costs more");
    return fmt::format("{} ({}): least cost, {:.4g} us, of {} that can run", c.variant,
                       to_string(c.level), c.cost_us, candidates.size() - size_t(refused));
  }
  std::string s = "none can run";
  const char* separator = ": ";
  for (const Candidate& c : candidates) {
    s += fmt::format("{}{} ({})", separator, c.variant, c.why_not);
    separator = ", ";
  }
  return s;
}

std::string to_json(const Choice& choice) {
  nlohmann::ordered_json j = {{"op", choice.op}, {"case", choice.case_name}, {"chosen", nullptr}};
  if (choice.chosen >= 0) j["chosen"] = choice.candidates[size_t(choice.chosen)].variant;
  j["variants"] = nlohmann::ordered_json::array();
  for (const Candidate& c : choice.candidates)
    j["variants"].push_back({{"variant", c.variant},
                             {"needs", c.needs},
                             {"level", to_string(c.level)},
                             {"cost_us", c.cost_us},
                             {"why_not", c.why_not}});
  return j.dump();
}

}  // namespace nibble::harness
