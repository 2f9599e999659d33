#include "nibble/train/run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"
#include "nibble/train/metrics_copies.h"

namespace nibble::train {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
constexpr const char* kFormat = "nibble-run 1";

Json json_of(const std::vector<TextFile>& files) {
  Json list = Json::array();
  for (const TextFile& f : files)
    list.push_back({{"path", f.path}, {"bytes", f.bytes}, {"xxh3", f.hash}});
  return list;
}

std::vector<TextFile> files_of(const Json& list) {
  std::vector<TextFile> files;
  for (const Json& f : list)
    files.push_back({.path = f.at("path").get<std::string>(),
                     .bytes = f.at("bytes").get<int64_t>(),
                     .hash = f.at("xxh3").get<std::string>()});
  return files;
}

Json json_of(const LayerHealth& h) {
  Json j = {{"layer", h.layer}, {"dead", h.zero_increments}, {"saturated", h.saturated}};
  if (h.mean_beta >= 0) j["mean_beta"] = h.mean_beta;
  return j;
}

Json json_of(const MatrixHealth& h) {
  Json j = {{"matrix", h.matrix}};
  if (h.flips >= 0) j["flips"] = h.flips;
  if (h.signal_to_noise >= 0) j["signal_to_noise"] = h.signal_to_noise;
  return j;
}

Record record_of(const Json& j) {
  Record r = {
      .step = j.at("step").get<int64_t>(),
      .seconds = j.at("seconds").get<double>(),
      .tokens = j.at("tokens").get<int64_t>(),
      .lane_tokens = j.at("lane_tokens").get<int64_t>(),
      .train_nats = j.at("train_nats").is_null() ? 0 : j.at("train_nats").get<double>(),
      .heldout_nats =
          j.at(j.contains("validation_nats") ? "validation_nats" : "heldout_nats").get<double>(),
      .lane_tokens_per_second = j.at("tok_per_s").get<double>()};
  if (j.contains("score")) r.score = j["score"].get<double>();
  for (const Json& h : j.value("health", Json::array()))
    r.health.push_back({h.at("layer").get<std::string>(), h.at("dead").get<double>(),
                        h.at("saturated").get<double>(), h.value("mean_beta", -1.0)});
  for (const Json& h : j.value("matrices", Json::array()))
    r.matrices.push_back({h.at("matrix").get<std::string>(), h.value("flips", -1.0),
                          h.value("signal_to_noise", -1.0)});
  return r;
}

RunEnd end_of(const Json& j) {
  RunEnd e = {.why = j.at("why").get<std::string>(),
              .step = j.at("step").get<int64_t>(),
              .heldout_nats = j.at("heldout_nats").get<double>(),
              .heldout_bytes = j.at("heldout_bytes").get<int64_t>()};
  if (j.contains("validation_nats")) e.validation_nats = j["validation_nats"].get<double>();
  if (j.contains("carried_nats")) e.carried_nats = j["carried_nats"].get<double>();
  return e;
}

void add_line(Metrics& m, const Json& j) {
  const std::string event = j.value("event", "record");
  const int64_t step = j.at("step").get<int64_t>();
  if (event == "horizon")
    m.horizons.push_back({step, j.at("progress").get<double>(), j.at("steps").get<int64_t>()});
  else if (event == "end")
    m.end = end_of(j);
  else if (event == "ngrams")
    m.ngram_nats = j.at("nats").get<std::array<double, 3>>();
  else if (event == "record")
    m.records.push_back(record_of(j));
  if (m.health.empty() && !m.records.empty()) m.health = m.records.front().health;
}

// Complete lines as JSON; fn(line, json). What follows the last newline was cut off by a kill.
template <class Fn>
void each_line(const std::string& path, Fn&& fn) {
  std::error_code none;
  if (!fs::exists(path, none)) return;  // killed before the first record
  const std::string text = read_file(path);
  size_t number = 1;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos;
       at = end + 1, ++number) {
    const std::string line = text.substr(at, end - at);
    try {
      fn(line, Json::parse(line));
    } catch (const Json::exception&) {
      throw Error(fmt::format("'{}' is damaged in line {}", path, number));
    }
  }
}

// The step in "step-<digits>.safetensors", or -1.
int64_t step_of(const fs::path& file) {
  const std::string stem = file.stem().string();
  int64_t step = -1;
  if (file.extension() != ".safetensors" || stem.rfind("step-", 0) != 0) return -1;
  const auto [end, error] = std::from_chars(stem.data() + 5, stem.data() + stem.size(), step);
  return error == std::errc() && end == stem.data() + stem.size() ? step : -1;
}

const Mark* best_of(const std::vector<Mark>& marks) {
  const Mark* best = nullptr;
  for (const Mark& m : marks)
    if (!best || m.heldout_nats < best->heldout_nats) best = &m;
  return best;
}

// True for what a process leaves that was killed before it wrote the config, and for nothing more.
bool is_unused(const std::string& path) {
  std::error_code none;
  if (!fs::is_directory(path, none)) return !fs::exists(path, none);
  for (const auto& entry : fs::directory_iterator(path, none)) {
    const std::string name = entry.path().filename().string();
    const bool empty_folder = name == "checkpoints" && fs::is_empty(entry.path(), none);
    if (!empty_folder && name != "lock" && name != "config.json.tmp") return false;
  }
  return true;
}

void make_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw Error(fmt::format("cannot make directory '{}': {}", path, error.message()));
}

RunConfig read_config(const std::string& path) {
  std::error_code none;
  const std::string file = path + "/config.json";
  if (!fs::is_regular_file(file, none))
    throw Error(fmt::format("'{}' is not a run: a directory with a config.json is needed", path));
  return parse_config(read_file(file), file);
}

}  // namespace

std::string label(const RunConfig& c) {
  if (c.fitness_command.empty()) return label(c.recipe);
  return fmt::format("antithetic pairs in weight space, fitness of '{}'", c.fitness_command);
}

std::string to_json(const RunConfig& c) {
  Json j = {{"format", kFormat}, {"recipe", Json::parse(to_json(c.recipe))}, {"seed", c.seed}};
  if (c.steps > 0) j["steps"] = c.steps;
  if (c.seconds > 0) j["seconds"] = c.seconds;
  if (c.target_nats > 0) j["target_nats"] = c.target_nats;
  if (c.checkpoint_every > 0) j["checkpoint_every"] = c.checkpoint_every;
  if (c.validation_share > 0) j["validation_share"] = c.validation_share;
  j["data"] = json_of(c.data);
  if (!c.valid.empty()) j["valid"] = json_of(c.valid);
  if (!c.from.empty()) j["from"] = c.from;
  if (!c.fitness_command.empty()) j["fitness_command"] = c.fitness_command;
  j["alphabet"] = c.alphabet;
  return text_of(j, 2) + "\n";
}

RunConfig parse_config(const std::string& json, const std::string& source) {
  RunConfig c;
  try {
    const Json j = Json::parse(json);
    const std::string format = j.at("format").get<std::string>();
    if (format != kFormat)
      throw Error(
          fmt::format("{}: the format is '{}', this program reads '{}'", source, format, kFormat));
    c.recipe = parse_recipe(j.at("recipe").dump(), source);
    c.seed = j.at("seed").get<uint64_t>();
    c.steps = j.value("steps", int64_t(0));
    c.seconds = j.value("seconds", 0.0);
    c.target_nats = j.value("target_nats", 0.0);
    c.checkpoint_every = j.value("checkpoint_every", int64_t(0));
    c.validation_share = j.value("validation_share", 0.0);
    c.data = files_of(j.at("data"));
    if (j.contains("valid")) c.valid = files_of(j["valid"]);
    c.from = j.value("from", "");
    c.fitness_command = j.value("fitness_command", "");
    c.alphabet = j.at("alphabet").get<std::string>();
    Alphabet::from_hex(c.alphabet);
  } catch (const Json::exception& e) {
    throw Error(fmt::format("{}: damaged: {}", source, reason(e)));
  }
  if ((c.steps > 0) == (c.seconds > 0))
    throw Error(source + ": damaged: either steps or seconds must be given and positive");
  if (!(c.validation_share >= 0 && c.validation_share <= 0.5))
    throw Error(source + ": damaged: validation_share must be from 0 to 0.5");
  return c;
}

Corpus reread_corpus(const RunConfig& config) {
  std::vector<std::string> paths;
  for (const TextFile& f : config.data) paths.push_back(f.path);
  const Corpus c =
      read_corpus(paths, config.valid.empty() ? "" : config.valid[0].path, config.validation_share);
  const auto same = [](const std::vector<TextFile>& now, const std::vector<TextFile>& then) {
    for (size_t i = 0; i < then.size(); ++i)
      if (now[i].hash != then[i].hash)
        throw Error(
            fmt::format("'{}' has changed since the run began: its hash is {}, {} is needed",
                        then[i].path, now[i].hash, then[i].hash));
  };
  same(c.data, config.data), same(c.valid, config.valid);
  return c;
}

Run::Run(std::string path, RunConfig config, std::optional<FolderLock> lock)
    : path_(std::move(path)), config_(std::move(config)), lock_(std::move(lock)) {}

Run Run::create(const std::string& path, const RunConfig& config) {
  std::error_code none;
  if (fs::exists(path + "/config.json", none))
    throw Error(fmt::format(
        "'{}' is a run already: resume it with --resume, or choose another name", path));
  if (!is_unused(path))
    throw Error(fmt::format("'{}' exists: a new or an empty directory is needed", path));
  const std::string text = to_json(config);
  make_directory(path + "/checkpoints");
  FolderLock lock(path);
  write_file(path + "/config.json", text);
  return Run(path, config, std::move(lock));
}

Run Run::resume(const std::string& path) {
  read_config(path);  // whether it is a run, before anything is made in it
  FolderLock lock(path);
  make_directory(path + "/checkpoints");
  return Run(path, read_config(path), std::move(lock));
}

Run Run::open(const std::string& path) { return Run(path, read_config(path), std::nullopt); }

std::string Run::checkpoint_path(int64_t step) const {
  return fmt::format("{}/checkpoints/step-{}.safetensors", path_, step);
}

std::vector<Mark> Run::checkpoints() const {
  std::vector<Mark> marks;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(path_ + "/checkpoints", none)) {
    const int64_t step = step_of(entry.path());
    if (step < 0) continue;
    marks.push_back(read_mark(entry.path().string()));
    if (marks.back().step != step)
      throw Error(fmt::format("'{}' holds step {}: it was renamed or is damaged",
                              entry.path().string(), marks.back().step));
  }
  std::sort(marks.begin(), marks.end(),
            [](const Mark& a, const Mark& b) { return a.step < b.step; });
  return marks;
}

Mark Run::checkpoint(const std::string& which) const {
  const std::vector<Mark> marks = checkpoints();
  if (marks.empty()) throw Error(fmt::format("'{}' has no checkpoint yet", path_));
  if (which == "last") return marks.back();
  if (which == "best") return *best_of(marks);
  std::string all;
  for (const Mark& m : marks) {
    if (which == std::to_string(m.step)) return m;
    all += fmt::format(", {}", m.step);
  }
  throw Error(
      fmt::format("'{}' has no checkpoint '{}': last, best{} are there", path_, which, all));
}

void Run::save(std::span<const StateTensor> tensors, const Mark& mark, int keep) {
  // What leads to the state must be on disk before the state is.
  const int fd = ::open((path_ + "/metrics.jsonl").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) ::fsync(fd), ::close(fd);
  write_checkpoint(checkpoint_path(mark.step), tensors, mark, config_.recipe.model.weights);
  const std::vector<Mark> marks = checkpoints();
  const int64_t best = best_of(marks)->step;
  for (size_t i = 0; i + size_t(keep) < marks.size(); ++i)
    if (marks[i].step != best) fs::remove(checkpoint_path(marks[i].step));
}

Metrics Run::metrics() const {
  Metrics m;
  each_line(path_ + "/metrics.jsonl", [&](const std::string&, const Json& j) { add_line(m, j); });
  return m;
}

void Run::rewind_metrics(int64_t step) {
  std::string kept;
  each_line(path_ + "/metrics.jsonl", [&](const std::string& line, const Json& j) {
    if (j.at("step").get<int64_t>() <= step) kept += line + "\n";
  });
  write_file(path_ + "/metrics.jsonl", kept);
  write_copies(path_, metrics().records, config_.validation_share > 0);
}

void append_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw Error(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  const ssize_t n = ::write(fd, text.data(), text.size());
  const int error = n < 0 ? errno : ENOSPC;
  ::close(fd);
  if (n != ssize_t(text.size()))
    throw Error(fmt::format("cannot write '{}': {}", path, std::strerror(error)));
}

void Run::append_line(const std::string& line) {
  append_file(path_ + "/metrics.jsonl", line + "\n");
}

Means means(const Record& r) {
  const auto mean = [](const auto& list, auto member) {
    double sum = 0;
    int known = 0;
    for (const auto& h : list)
      if (h.*member >= 0) sum += h.*member, ++known;
    return known > 0 ? sum / known : -1;
  };
  return {.dead = mean(r.health, &LayerHealth::zero_increments),
          .saturated = mean(r.health, &LayerHealth::saturated),
          .flips = mean(r.matrices, &MatrixHealth::flips),
          .signal_to_noise = mean(r.matrices, &MatrixHealth::signal_to_noise)};
}

void Run::append(const Record& r) {
  const bool validated = config_.validation_share > 0;
  Json j = {{"step", r.step},
            {"seconds", r.seconds},
            {"tokens", r.tokens},
            {"lane_tokens", r.lane_tokens}};
  j["train_nats"] = r.step == 0 ? Json() : Json(r.train_nats);
  j[validated ? "validation_nats" : "heldout_nats"] = r.heldout_nats;
  j["tok_per_s"] = r.lane_tokens_per_second;
  if (r.score) j["score"] = *r.score;
  for (const LayerHealth& h : r.health) j["health"].push_back(json_of(h));
  for (const MatrixHealth& h : r.matrices) j["matrices"].push_back(json_of(h));
  append_line(j.dump());
  append_copies(path_, r, validated);
}

void Run::append(const Horizon& h) {
  append_line(
      Json{{"step", h.at}, {"event", "horizon"}, {"progress", h.from}, {"steps", h.steps}}.dump());
}

void Run::append(const RunEnd& e) {
  Json j = {{"step", e.step},
            {"event", "end"},
            {"why", e.why},
            {"heldout_nats", e.heldout_nats},
            {"heldout_bytes", e.heldout_bytes}};
  if (e.validation_nats) j["validation_nats"] = *e.validation_nats;
  if (e.carried_nats) j["carried_nats"] = *e.carried_nats;
  append_line(j.dump());
}

void Run::append(const std::array<double, 3>& ngram_nats) {
  append_line(Json{{"step", 0}, {"event", "ngrams"}, {"nats", ngram_nats}}.dump());
}

}  // namespace nibble::train
