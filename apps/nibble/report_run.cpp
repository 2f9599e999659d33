#include "report_run.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "nibble/cpu/detect.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"
#include "nibble/train/run.h"
#include "picture.h"
#include "plot.h"
#include "train_seeds.h"
#include "writer.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

struct Story {
  std::string name;
  train::Run run;
  train::Metrics metrics;
};

std::string run_name(const std::string& path) {
  const fs::path p = fs::absolute(path).lexically_normal();
  return p.has_filename() ? p.filename().string() : p.parent_path().filename().string();
}

double x_of(const train::Record& r, const std::string& axis) {
  return axis == "seconds" ? r.seconds : double(axis == "tokens" ? r.lane_tokens : r.step);
}

Plot plot_of(const std::vector<Story>& stories, const std::string& axis) {
  bool validated = false;
  for (const Story& s : stories) validated |= s.run.config().validation_share > 0;
  Plot p = {.title = validated ? "Loss on the validation part where there is one" : "Held-out loss",
            .x_label = axis == "seconds"  ? "seconds of training"
                       : axis == "tokens" ? "lane tokens"
                                          : "updates",
            .y_label = "nats per byte"};
  for (const Story& s : stories) {
    // The curve is of the held-out sample, the figure beside its name of the whole held-out part.
    Curve c;
    for (const train::Record& r : s.metrics.records)
      if (r.step > 0) c.points.push_back({x_of(r, axis), r.heldout_nats});
    const double nats =
        s.metrics.end ? s.metrics.end->heldout_nats : s.metrics.records.back().heldout_nats;
    c.name = fmt::format("{}: {:.3f}{}", s.name, nats, s.metrics.end ? "" : " so far");
    p.curves.push_back(std::move(c));
    if (!s.metrics.ngram_nats) continue;
    for (int order = 0; order < 3; ++order) {
      const double nats = (*s.metrics.ngram_nats)[size_t(order)];
      bool drawn = false;  // runs on one text share their lines
      for (const Level& l : p.levels) drawn |= std::fabs(l.y - nats) < 1e-4;
      if (!drawn) p.levels.push_back({fmt::format("order {}", order), nats});
    }
  }
  return p;
}

// Text as HTML shows it: bytes that are no printable ASCII become \xNN.
std::string printable(const train::Bytes& bytes) {
  std::string s;
  for (const uint8_t b : bytes) {
    if (b == '\n' || (b >= 32 && b < 127))
      s += char(b);
    else
      s += fmt::format("\\x{:02x}", b);
  }
  return escape_xml(s);
}

// What the run writes, or why it cannot: not every recipe has a recurrent form.
std::string sample(const train::Run& run, int64_t step) try {
  Writer writer(run, step, cpu::this_machine());
  writer.read("\n");
  engine::Sampler sampler({.temperature = 0.8, .seed = 1});
  train::Bytes text;
  for (int i = 0; i < 600; ++i) text.push_back(writer.write(sampler));
  return printable(text);
} catch (const Error& e) {
  return escape_xml(std::string("(no sample: ") + e.what() + ")");
}

std::string percent(double share, int digits) {
  return share < 0 ? "" : fmt::format("{:.{}f}%", 100 * share, digits);
}

// Of the untrained model and of the trained one beside each other.
std::string health_table(const train::Metrics& m) {
  if (m.health.empty()) return "";
  const std::vector<train::LayerHealth>& last = m.records.back().health;
  std::string s =
      "<table><tr><th>layer</th><th>dead increments, at first</th><th>now</th><th>saturated, at "
      "first</th><th>now</th><th>mean &beta;, at first</th><th>now</th></tr>\n";
  const auto beta = [](double b) { return b < 0 ? "" : fmt::format("{:.3f}", b); };
  for (size_t i = 0; i < m.health.size(); ++i) {
    const train::LayerHealth& h = m.health[i];
    const train::LayerHealth now = i < last.size() ? last[i] : train::LayerHealth{"", -1, -1, -1};
    s += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape_xml(h.layer), percent(h.zero_increments, 1), percent(now.zero_increments, 1),
        percent(h.saturated, 2), percent(now.saturated, 2), beta(h.mean_beta), beta(now.mean_beta));
  }
  return s + "</table>\n";
}

// Flips: weights whose code changed from one record to the next. Signal to noise: what of the
// gradient's estimate lasts over the optimiser's memory, against what does not.
std::string matrix_table(const train::Metrics& m) {
  const std::vector<train::MatrixHealth>& last = m.records.back().matrices;
  if (last.empty()) return "";
  const train::Record& middle = m.records[m.records.size() / 2];
  std::string s =
      "<table><tr><th>matrix</th><th>flips, half-way</th><th>at the end</th><th>signal to noise, "
      "half-way</th><th>at the end</th></tr>\n";
  const auto ratio = [](double r) { return r < 0 ? "" : fmt::format("{:.2g}", r); };
  for (size_t i = 0; i < last.size(); ++i) {
    const train::MatrixHealth half =
        i < middle.matrices.size() ? middle.matrices[i] : train::MatrixHealth();
    s += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                     escape_xml(last[i].matrix), percent(half.flips, 3), percent(last[i].flips, 3),
                     ratio(half.signal_to_noise), ratio(last[i].signal_to_noise));
  }
  return s + "</table>\n";
}

std::string summary_table(const std::vector<Story>& stories) {
  std::string s =
      "<table><tr><th>run</th><th>held-out nats/byte</th><th>bits/byte</th><th>updates</th>"
      "<th>seconds</th><th>lane tokens</th><th>how</th></tr>\n";
  for (const Story& story : stories) {
    const train::Metrics& m = story.metrics;
    const train::Record last = m.records.empty() ? train::Record() : m.records.back();
    const double nats = m.end ? m.end->heldout_nats : last.heldout_nats;
    s += fmt::format(
        "<tr><td>{}</td><td>{:.4f}{}</td><td>{:.4f}</td><td>{}</td><td>{:.1f}</td><td>{:.4g}</td>"
        "<td>{}</td></tr>\n",
        escape_xml(story.name), nats, m.end ? "" : " (sample, unfinished)", nats / std::log(2.0),
        last.step, last.seconds, double(last.lane_tokens),
        escape_xml(train::label(story.run.config())));
  }
  return s + "</table>\n";
}

std::string html(const std::vector<Story>& stories, const std::string& picture) {
  std::string s =
      "<!doctype html><meta charset='utf-8'><title>nibble report</title>\n"
      "<style>body{font:15px/1.5 sans-serif;max-width:920px;margin:2em auto;color:#222}"
      "table{border-collapse:collapse}th,td{border:1px solid #ccc;padding:.25em .6em;"
      "text-align:left}pre{background:#f6f6f6;padding:.8em;white-space:pre-wrap}"
      "svg{max-width:100%;height:auto}</style>\n<h1>Runs</h1>\n";
  s += picture + summary_table(stories);
  for (const Story& story : stories) {
    s += "<h2>" + escape_xml(story.name) + "</h2>\n";
    const std::vector<train::Mark> marks = story.run.checkpoints();
    if (!marks.empty()) {
      const int64_t step = story.run.checkpoint("best").step;
      s += fmt::format("<h3>Sample (step {}, temperature 0.8, seed 1)</h3>\n<pre>{}</pre>\n", step,
                       sample(story.run, step));
    }
    s += "<h3>Health</h3>\n" + health_table(story.metrics) + matrix_table(story.metrics);
    s += "<h3>Settings</h3>\n<pre>" + escape_xml(train::to_json(story.run.config())) + "</pre>\n";
  }
  return s;
}

}  // namespace

void report_runs(const std::vector<std::string>& runs, const std::string& out,
                 const std::string& x_axis) {
  const std::string kind = fs::path(out).extension().string();
  if (kind != ".svg" && kind != ".png" && kind != ".html")
    throw Error(fmt::format("--out {}: a name that ends in .svg, .png or .html is needed", out));
  std::vector<Story> stories;
  std::vector<std::pair<std::string, std::string>> paths;  // and names; of a trial all its seeds
  for (const std::string& path : runs) {
    if (!is_seeds(path)) paths.push_back({path, run_name(path)});
    if (is_seeds(path))
      for (const std::string& seed : runs_of_seeds(path))
        paths.push_back({seed, run_name(path) + " " + run_name(seed)});
  }
  for (const auto& [path, name] : paths) {
    train::Run run = train::Run::open(path);
    train::Metrics metrics = run.metrics();
    stories.push_back({name, std::move(run), std::move(metrics)});
    if (stories.back().metrics.records.empty())
      throw Error(fmt::format("'{}' has no record yet", path));
  }
  const std::string picture = svg(plot_of(stories, x_axis));
  if (kind == ".html") {
    write_file(out, html(stories, picture));
  } else {
    write_picture(picture, out);
  }
}

}  // namespace nibble::app
