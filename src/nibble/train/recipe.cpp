// Recipes as JSON. The one list of fields below is what reading, writing and `--set` walk.
#include "nibble/train/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"
#include "nibble/runtime/json.h"

namespace nibble::train {
namespace {

using Json = nlohmann::ordered_json;

template <class E>
struct Name {
  E value;
  const char* name;
};
constexpr Name<Arithmetic> kArithmetics[] = {{Arithmetic::product, "product"},
                                             {Arithmetic::origin, "origin"}};
constexpr Name<Estimator> kEstimators[] = {{Estimator::activity, "activity"},
                                           {Estimator::weight, "weight"}};
constexpr Name<WeightFormat> kWeightFormats[] = {{WeightFormat::ternary, "ternary"},
                                                 {WeightFormat::int8, "int8"},
                                                 {WeightFormat::nvfp4, "nvfp4"},
                                                 {WeightFormat::bf16, "bf16"}};
constexpr Name<efla_lm::Activation> kActivations[] = {{efla_lm::Activation::relu2, "relu2"},
                                                      {efla_lm::Activation::gelu, "gelu"}};
constexpr Name<efla_lm::Embedding> kEmbeddings[] = {{efla_lm::Embedding::fixed, "fixed"},
                                                    {efla_lm::Embedding::trained, "trained"}};
constexpr Name<HeadRule> kHeadRules[] = {{HeadRule::noise, "noise"}, {HeadRule::delta, "delta"}};
constexpr Name<UpdateRule> kUpdateRules[] = {
    {UpdateRule::adam, "adam"}, {UpdateRule::momentum, "momentum"}, {UpdateRule::shadow, "shadow"}};
constexpr Name<Fitness> kFitnesses[] = {{Fitness::raw, "raw"},
                                        {Fitness::clipped, "clipped"},
                                        {Fitness::sign, "sign"},
                                        {Fitness::rank, "rank"},
                                        {Fitness::zscore, "zscore"}};

// Every field once: v.number(path, member, least, most) or v.choice(path, member, names). Ranges
// are what makes sense of a field alone; what a learner cannot build together, it refuses itself.
template <class R, class V>
void visit_fields(R& r, V&& v) {
  v.choice("arithmetic", r.arithmetic, kArithmetics);
  auto& m = r.model;
  v.number("model.hidden", m.hidden, 16, 8192);
  v.number("model.ffn", m.ffn, 16, 32768);
  v.choice("model.activation", m.activation, kActivations);
  v.choice("model.embedding", m.embedding, kEmbeddings);
  v.number("model.ffn_shift", m.ffn_shift, 0, 31);
  v.number("model.blocks", m.blocks, 1, 64);
  v.flag("model.mixer", m.mixer);
  v.number("model.mixer_shift", m.mixer_shift, 0, 31);
  v.number("model.heads", m.heads, 1, 256);
  v.number("model.key_dim", m.key_dim, 1, 8192);
  v.number("model.mixer_scale", m.mixer_scale, 0, 16);
  v.number("model.ffn_scale", m.ffn_scale, 0, 16);
  v.number("model.residual_unit", m.residual_unit, 1, 127);
  v.number("model.head_scale", m.head_scale, 0.001, 1000);
  v.choice("model.weights", m.weights, kWeightFormats);
  auto& t = r.train;
  v.choice("train.estimator", t.estimator, kEstimators);
  v.choice("train.head_rule", t.head_rule, kHeadRules);
  v.number_or("train.rank", t.rank, 1, 64, "full", kFullRank);
  v.choice("train.fitness", t.fitness, kFitnesses);
  v.number("train.fitness_clip", t.fitness_clip, 1e-6, 1e6);
  v.number("train.zscore_clip", t.zscore_clip, 1e-6, 1e6);
  v.number("train.lanes_embedding", t.lanes_embedding, 0, 4096);
  v.number("train.lanes_mixer", t.lanes_mixer, 0, 4096);
  v.number("train.lanes_ffn1", t.lanes_ffn1, 0, 4096);
  v.number("train.lanes_ffn2", t.lanes_ffn2, 0, 4096);
  v.number("train.lanes_head", t.lanes_head, 0, 4096);
  v.number("train.lanes_joint", t.lanes_joint, 0, 4096);
  v.number("train.sigma", t.sigma, 1e-6, 100);
  v.number("train.credit_decay", t.credit_decay, 0, 1);
  v.number("train.credit_window", t.credit_window, 0, 1024);
  v.number("train.mixer_noise_every", t.mixer_noise_every, 1, 4096);
  v.number("train.batch", t.batch, 1, 65536);
  v.number("train.grow", t.grow, 0, 16);
  v.number("train.seq", t.seq, 2, 1024);
  v.number("train.carry", t.carry, 1, 65536);
  v.number("train.lr", t.lr, 0, 10);
  v.number("train.lr_end", t.lr_end, 0, 1);
  v.number("train.lr_mixer", t.lr_mixer, 0, 100);
  v.number("train.weight_decay", t.weight_decay, 0, 10);
  v.number("train.beta1", t.beta1, 0, 0.999999);
  v.number("train.beta2", t.beta2, 0, 0.999999);
  v.choice("train.update", t.update, kUpdateRules);
  v.number("train.z_threshold", t.z_threshold, 0, 10);
  auto& s = r.score;
  v.number("score.pairs", s.pairs, 1, 4096);
  v.number("score.texts", s.texts, 1, 64);
  v.number("score.bytes", s.bytes, 2, 65536);
  v.number("score.sigma", s.sigma, 1e-6, 4);
  v.number("score.lr", s.lr, 0, 10);
  v.number("score.temperature", s.temperature, 0.01, 100);
  v.number("score.nats_weight", s.nats_weight, 0, 1e6);
  auto& o = r.origin;
  v.number("origin.hidden", o.hidden, 1, 1024);
  v.number("origin.layers", o.layers, 2, 1024);
  v.number("origin.mlp_mult", o.mlp_mult, 1, 64);
  v.number("origin.batch", o.batch, 1, 65536);
  v.number("origin.seq", o.seq, 1, 65536);
  v.number("origin.pop", o.pop, 4, 1 << 24);
  v.flag("origin.adaptive_pop", o.adaptive_pop);
  v.number("origin.sigma_shift", o.sigma_shift, 0, 6);
  v.number("origin.sigma_shift_end", o.sigma_shift_end, 0, 6);
  v.number("origin.clt_k", o.clt_k, 0, 63);
  v.number("origin.act_scale", o.act_scale, 0, 1000);
  v.number("origin.mlp_act_scale", o.mlp_act_scale, 0, 1000);
  v.number("origin.ln_scale", o.ln_scale, 0, 1000);
  v.number("origin.residual_scale", o.residual_scale, 0, 1000);
  v.number("origin.mlp_residual_scale", o.mlp_residual_scale, 0, 1000);
  v.number("origin.lr", o.lr, 0, 10);
  v.number("origin.lr_end", o.lr_end, 0, 10);
  v.number("origin.thresh", o.thresh, 0, 10);
  v.number("origin.thresh_end", o.thresh_end, 0, 10);
  v.choice("origin.fitness", o.fitness, kFitnesses);
  v.number("origin.fitness_clip", o.fitness_clip, 1e-6, 1e6);
}

template <class E, size_t N>
const char* name_of(E value, const Name<E> (&names)[N]) {
  for (const auto& n : names)
    if (n.value == value) return n.name;
  return "?";
}

// A float's shortest decimal that reads back as the same float, not that of its double.
double shortest(float v) { return std::stod(fmt::format("{}", v)); }

struct Writer {
  Json& root;
  Json& at(const std::string& path) {
    std::string pointer = "/" + path;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    return root[Json::json_pointer(pointer)];
  }
  void number(const char* path, int value, double, double) { at(path) = value; }
  void number(const char* path, float value, double, double) { at(path) = shortest(value); }
  void number_or(const char* path, int value, int, int, const char* word, int meant) {
    if (value == meant)
      at(path) = word;
    else
      at(path) = value;
  }
  void flag(const char* path, bool value) { at(path) = value; }
  template <class E, size_t N>
  void choice(const char* path, E value, const Name<E> (&names)[N]) {
    at(path) = name_of(value, names);
  }
};

// Takes one value for one path; `taken` says whether some field had that path.
struct Setter {
  const std::string& path;
  const Json& value;
  const std::string& source;
  bool taken = false;

  [[noreturn]] void refuse(const std::string& allowed) const {
    throw Error(fmt::format("{}: {} = {}: {}", source, path,
                            value.dump(-1, ' ', false, Json::error_handler_t::replace), allowed));
  }
  template <class T>
  void number(const char* field, T& to, double least, double most) {
    if (path != field) return;
    taken = true;
    constexpr bool whole = std::is_integral_v<T>;
    const std::string allowed = fmt::format("{} from {} to {} is allowed",
                                            whole ? "a whole number" : "a number", least, most);
    if (whole ? !value.is_number_integer() : !value.is_number()) refuse(allowed);
    const double v = value.get<double>();
    if (!(v >= least && v <= most)) refuse(allowed);
    to = T(v);
  }
  // A number, or a word that stands for a number that is none of the allowed.
  void number_or(const char* field, int& to, int least, int most, const char* word, int meant) {
    if (path != field) return;
    taken = true;
    if (value.is_string() && value.get<std::string>() == word) {
      to = meant;
      return;
    }
    const bool allowed =
        value.is_number_integer() && value.get<double>() >= least && value.get<double>() <= most;
    if (!allowed)
      refuse(fmt::format("a whole number from {} to {} or {} is allowed", least, most, word));
    to = value.get<int>();
  }
  void flag(const char* field, bool& to) {
    if (path != field) return;
    taken = true;
    if (!value.is_boolean()) refuse("true or false is allowed");
    to = value.get<bool>();
  }
  template <class E, size_t N>
  void choice(const char* field, E& to, const Name<E> (&names)[N]) {
    if (path != field) return;
    taken = true;
    std::string all;
    for (const auto& n : names) {
      if (value.is_string() && value.get<std::string>() == n.name) {
        to = n.value;
        return;
      }
      all += (all.empty() ? "" : ", ") + std::string(n.name);
    }
    refuse("one of " + all + " is allowed");
  }
};

struct Lister {
  std::vector<std::string> paths;
  template <class... T>
  void number(const char* path, T&&...) {
    paths.push_back(path);
  }
  template <class... T>
  void number_or(const char* path, T&&...) {
    paths.push_back(path);
  }
  void flag(const char* path, bool&) { paths.push_back(path); }
  template <class... T>
  void choice(const char* path, T&&...) {
    paths.push_back(path);
  }
};

// The fields beside or below `path`, for the error about one that does not exist.
std::string known_fields(const std::string& path) {
  Recipe any;
  Lister lister;
  visit_fields(any, lister);
  const std::string group = path.substr(0, path.find('.'));
  std::string near, top = "name, model, train, score, origin, figures";
  for (const std::string& p : lister.paths) {
    if (p.find('.') == std::string::npos) top += ", " + p;
    if (p.rfind(group + ".", 0) == 0) near += (near.empty() ? "" : ", ") + p;
  }
  return near.empty() ? top : near;
}

void set_value(Recipe& r, const std::string& path, const Json& value, const std::string& source) {
  Setter setter{path, value, source};
  if (path == "name") {
    if (!value.is_string() || value.get<std::string>().empty()) setter.refuse("a name is needed");
    r.name = value.get<std::string>();
    return;
  }
  visit_fields(r, setter);
  if (!setter.taken)
    throw Error(
        fmt::format("{}: unknown key '{}'; known are {}", source, path, known_fields(path)));
}

// One entry of "figures"; every field is needed, or the figure cannot be seen again.
Figure figure_of(const Json& j, const std::string& source) try {
  Figure f{.text = j.at("text").get<std::string>(),
           .seconds = j.at("seconds").get<double>(),
           .rate = j.value("rate", 0.0),
           .threads = j.at("threads").get<int>(),
           .machine = j.at("machine").get<std::string>(),
           .seeds = j.at("seeds").get<std::vector<uint64_t>>(),
           .heldout_nats = j.at("heldout_nats").get<std::vector<double>>(),
           .commit = j.at("commit").get<std::string>()};
  if (f.seeds.empty() || f.seeds.size() != f.heldout_nats.size() || j.size() != 7 + j.count("rate"))
    throw Error(source + ": a figure has one of heldout_nats for each of its seeds, and no field " +
                "beside text, seconds, rate, threads, machine, seeds, heldout_nats, commit");
  return f;
} catch (const Json::exception&) {
  throw Error(source + ": a figure needs text, seconds, threads, machine, seeds, heldout_nats, " +
              "commit");
}

Json json_of(const Figure& f) {
  Json j = {{"text", f.text},       {"seconds", f.seconds}, {"threads", f.threads},
            {"machine", f.machine}, {"seeds", f.seeds},     {"heldout_nats", f.heldout_nats},
            {"commit", f.commit}};
  if (f.rate > 0) j["rate"] = f.rate;
  return j;
}

void set_all(Recipe& r, const Json& object, const std::string& prefix, const std::string& source) {
  for (const auto& [key, value] : object.items()) {
    const std::string path = prefix + key;
    if (path == "figures") {
      if (!value.is_array()) throw Error(source + ": 'figures' must be a list");
      for (const Json& figure : value) r.figures.push_back(figure_of(figure, source));
      continue;
    }
    const bool group =
        prefix.empty() && (key == "model" || key == "train" || key == "score" || key == "origin");
    if (!group) {
      set_value(r, path, value, source);
    } else {
      if (!value.is_object())
        throw Error(fmt::format("{}: '{}' must be an object of fields", source, path));
      set_all(r, value, path + ".", source);
    }
  }
}

}  // namespace

Recipe parse_recipe(const std::string& json, const std::string& source) {
  Json j;
  // The parser keeps the last of two equal keys; the first one would then be ignored in silence.
  std::vector<std::vector<std::string>> keys;
  const Json::parser_callback_t no_duplicates = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const std::string key = parsed.get<std::string>();
      if (std::find(keys.back().begin(), keys.back().end(), key) != keys.back().end())
        throw Error(fmt::format("{}: key '{}' stands twice in one object", source, key));
      keys.back().push_back(key);
    }
    return true;
  };
  try {
    j = Json::parse(json, no_duplicates);
  } catch (const Json::parse_error& e) {
    throw Error(fmt::format("{}: not JSON at byte {}", source, e.byte));
  } catch (const Json::exception& e) {
    throw Error(fmt::format("{}: {}", source, reason(e)));
  }
  if (!j.is_object()) throw Error(source + ": a recipe must be a JSON object");
  Recipe r;
  set_all(r, j, "", source);
  return r;
}

std::string label(const Recipe& r) {
  if (r.arithmetic == Arithmetic::origin) return "origin arithmetic";
  return fmt::format(
      "{}{} estimator, {} head, {} weights, {}{}{}{}{}",
      r.train.rank == kFullRank ? "full-rank " : "", name_of(r.train.estimator, kEstimators),
      name_of(r.train.head_rule, kHeadRules), name_of(r.model.weights, kWeightFormats),
      !r.model.mixer             ? "no mixer"
      : r.train.lanes_mixer == 0 ? "untrained EFLA mixer"
                                 : "EFLA mixer",
      r.model.embedding == efla_lm::Embedding::trained ? ", trained embedding" : "",
      r.train.lanes_joint > 0 ? ", joint lanes" : "",
      r.train.carry > 1 ? fmt::format(", contexts of {} windows", r.train.carry) : "",
      r.train.grow > 0 ? ", growing batch" : "");
}

std::string to_json(const Recipe& r) {
  Json j;
  j["name"] = r.name;
  visit_fields(r, Writer{j});
  for (const Figure& f : r.figures) j["figures"].push_back(json_of(f));
  return text_of(j, 2);
}

void set_field(Recipe& r, const std::string& assignment) {
  const size_t eq = assignment.find('=');
  if (eq == std::string::npos || eq == 0)
    throw Error(fmt::format("--set {}: key=value is needed, as in train.lr=0.01", assignment));
  const std::string path = assignment.substr(0, eq), text = assignment.substr(eq + 1);
  // Numbers, true and false are JSON; every other value is a word.
  Json value = Json::parse(text, nullptr, false);
  if (path == "name" || value.is_discarded() || value.is_structured() || value.is_null())
    value = text;
  set_value(r, path, value, "--set");
  r.figures.clear();  // they were another recipe's
}

std::vector<std::string> recipe_names(std::span<const std::string> folders) {
  std::vector<std::string> names;
  for (const std::string& folder : folders) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder, none))
      if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Recipe find_recipe(const std::string& name_or_path, std::span<const std::string> folders) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (fs::path(name_or_path).extension() == ".json") {
    if (!fs::is_regular_file(name_or_path, none))
      throw Error(fmt::format("cannot read recipe '{}': there is no such file", name_or_path));
    return parse_recipe(read_file(name_or_path), name_or_path);
  }
  const bool plain = name_or_path.find('/') == std::string::npos;
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder) / (name_or_path + ".json");
    if (plain && fs::is_regular_file(path, none))
      return parse_recipe(read_file(path), path.string());
  }
  std::string all;
  for (const std::string& n : recipe_names(folders)) all += (all.empty() ? "" : ", ") + n;
  throw Error(
      fmt::format("no recipe is called '{}': a file that ends in .json or one of {} is needed",
                  name_or_path, all.empty() ? "(none found)" : all));
}

}  // namespace nibble::train
