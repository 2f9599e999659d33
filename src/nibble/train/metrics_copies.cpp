#include "nibble/train/metrics_copies.h"

#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "nibble/train/event_file.h"

namespace nibble::train {
namespace {

constexpr const char *kCsv = "/metrics.csv", *kEvents = "/events.out.tfevents.nibble";

struct Column {
  const char *csv, *tag;  // no tag: not drawn
  double value;
  bool known = true;  // what was not measured is an empty cell
};

std::vector<Column> columns(const Record& r, bool validated) {
  const Means m = means(r);
  return {{"step", nullptr, double(r.step)},
          {"seconds", "time/seconds", r.seconds},
          {"tokens", "time/tokens", double(r.tokens)},
          {"lane_tokens", "time/lane_tokens", double(r.lane_tokens)},
          {"train_nats", "loss/train", r.train_nats, r.step > 0},
          {validated ? "validation_nats" : "heldout_nats",
           validated ? "loss/validation" : "loss/heldout", r.heldout_nats},
          {"tok_per_s", "speed/lane_tokens_per_second", r.lane_tokens_per_second, r.step > 0},
          {"dead", "health/dead", m.dead, m.dead >= 0},
          {"saturated", "health/saturated", m.saturated, m.saturated >= 0},
          {"flips", "health/flips", m.flips, m.flips >= 0},
          {"signal_to_noise", "health/signal_to_noise", m.signal_to_noise, m.signal_to_noise >= 0},
          {"score", "loss/score", r.score.value_or(0), r.score.has_value()}};
}

std::string csv_head(bool validated) {
  std::string line;
  for (const Column& c : columns({}, validated))
    line += (line.empty() ? "" : ",") + std::string(c.csv);
  return line + "\n";
}

std::string csv_line(const Record& r, bool validated) {
  std::string line;
  for (const Column& c : columns(r, validated)) {
    if (c.csv != std::string_view("step")) line += ",";
    if (c.known) line += fmt::format("{}", c.value);
  }
  return line + "\n";
}

std::string events(double wall_seconds, const Record& r, bool validated) {
  std::vector<Scalar> scalars;
  for (const Column& c : columns(r, validated))
    if (c.tag && c.known) scalars.push_back({c.tag, c.value});
  return scalar_record(wall_seconds, r.step, scalars);
}

double wall_seconds() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

void write_copies(const std::string& folder, std::span<const Record> records, bool validated) {
  // As if the run had not been interrupted: its last record is of now.
  const double begin = wall_seconds() - (records.empty() ? 0 : records.back().seconds);
  std::string csv = csv_head(validated), log = event_file_head(begin);
  for (const Record& r : records)
    csv += csv_line(r, validated), log += events(begin + r.seconds, r, validated);
  write_file(folder + kCsv, csv), write_file(folder + kEvents, log);
}

void append_copies(const std::string& folder, const Record& r, bool validated) {
  append_file(folder + kCsv, csv_line(r, validated));
  append_file(folder + kEvents, events(wall_seconds(), r, validated));
}

}  // namespace nibble::train
