#include "nibble/runtime/layer_names.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

namespace nibble {
namespace {

constexpr std::string_view kExperts = "experts.";

struct Convention {
  std::string_view gate, up, down;
};
constexpr Convention kConventions[] = {{"gate_proj", "up_proj", "down_proj"},
                                       {"w1", "w3", "w2"},
                                       {"", "fc1", "fc2"},
                                       {"", "c_fc", "c_proj"},
                                       {"", "dense_h_to_4h", "dense_4h_to_h"},
                                       {"", "up_proj", "down_proj"}};

// P and S around a word that stands between dots.
struct Around {
  std::string before, behind;
};
std::optional<Around> around(const std::string& name, std::string_view word) {
  for (size_t at = name.find(word); at != std::string::npos; at = name.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || name[at - 1] == '.') && (end == name.size() || name[end] == '.'))
      return Around{name.substr(0, at), name.substr(end)};
  }
  return {};
}

// Q and N of "Q experts.N."
struct Expert {
  std::string before;
  size_t number = 0;
};
std::optional<Expert> expert_of(const std::string& before) {
  const size_t at = before.rfind(kExperts);
  if (at == std::string::npos || (at > 0 && before[at - 1] != '.')) return {};
  Expert e{.before = before.substr(0, at)};
  const char* digits = before.data() + at + kExperts.size();
  const auto [end, error] = std::from_chars(digits, before.data() + before.size(), e.number);
  if (error != std::errc() || end + 1 != before.data() + before.size() || *end != '.') return {};
  return e;
}

class Finder {
 public:
  explicit Finder(std::span<const std::string> names) : names_(names) {
    for (size_t i = 0; i < names.size(); ++i) places_[names[i]] = i;
  }

  std::vector<LayerNames> all() {
    for (const std::string& name : names_)
      for (const Convention& c : kConventions)
        if (const auto a = around(name, c.gate.empty() ? c.up : c.gate)) add(c, *a);
    for (const auto& [key, group] : groups_) take_experts(group);
    return std::move(layers_);
  }

 private:
  struct Group {
    const Convention* convention;
    std::string before, behind;  // Q, S
    size_t layer = 0, count = 0;
  };

  void add(const Convention& c, const Around& a) {
    const auto expert = expert_of(a.before);
    if (c.gate.empty() && (expert || places_.contains(a.before + "gate_proj" + a.behind))) return;
    if (!expert) return take(c, a, layers_.emplace_back(LayerNames{.name = a.before + "*"}));
    const auto [it, first] = groups_.insert({{expert->before, a.behind}, {}});
    Group& group = it->second;
    if (first) {
      group = {&c, expert->before, a.behind, layers_.size()};
      layers_.push_back({.name = expert->before + std::string(kExperts) + "*", .experts = true});
    }
    group.count = std::max(group.count, std::min(expert->number, names_.size()) + 1);
  }

  // As many as the greatest number says, so that one that is missing is missed.
  void take_experts(const Group& g) {
    LayerNames& layer = layers_[g.layer];
    for (size_t n = 0; n < g.count && layer.missing.empty(); ++n) {
      const std::string before = g.before + std::string(kExperts) + std::to_string(n) + ".";
      take(*g.convention, {before, g.behind}, layer);
    }
    for (const char* router : {"gate", "router"})
      if (const auto it = places_.find(g.before + router + g.behind); it != places_.end())
        layer.router = it->second;
  }

  void take(const Convention& c, const Around& a, LayerNames& layer) const {
    const auto take_one = [&](std::string_view word, std::vector<size_t>& to) {
      if (word.empty()) return;
      const std::string name = a.before + std::string(word) + a.behind;
      const auto it = places_.find(name);
      if (it != places_.end())
        to.push_back(it->second);
      else if (layer.missing.empty())
        layer.missing = name;
    };
    take_one(c.gate, layer.gate), take_one(c.up, layer.up), take_one(c.down, layer.down);
  }

  std::span<const std::string> names_;
  std::map<std::string, size_t> places_;
  std::map<std::pair<std::string, std::string>, Group> groups_;
  std::vector<LayerNames> layers_;
};

}  // namespace

std::vector<LayerNames> layers_of(std::span<const std::string> names) {
  return Finder(names).all();
}

}  // namespace nibble
