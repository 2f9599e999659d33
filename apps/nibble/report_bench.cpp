#include "report_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "nibble/harness/bench.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"
#include "picture.h"
#include "plot.h"

namespace nibble::app {
namespace {

struct Row {
  std::string name, variant, shape, ceiling_name, unit, pages, cpu;
  int threads = 1;
  double gb = 0, gop = 0, ceiling = 0, share = 0, error = 0, mib = 0;
  std::string_view memory;              // harness::memory_name()
  std::map<std::string, double> reads;  // of caches, where they are no ceiling of this row
  double rate() const { return unit == "GB/s" ? gb : gop; }
};

struct Peer {  // a line of nibble bench --with-baselines
  std::string beside, name, shape;
  int threads = 1;
  double us = 0, gop = 0, ratio = 0;
};

std::string shape_of(std::string name) {
  if (name.starts_with("bench_")) name.erase(0, 6);
  return name;
}

std::vector<Row> read(const std::string& file, std::vector<Peer>& peers) {
  std::istringstream in(read_file(file));
  std::vector<Row> rows;
  int number = 1;
  for (std::string line; std::getline(in, line); ++number) {
    const auto j = nlohmann::json::parse(line, nullptr, false);
    try {
      if (j.is_object() && j.contains("peer")) {
        Peer p{.beside = j.value("beside", std::string(j.at("op")))};
        p.name =
            fmt::format("{} {} {} ({})", std::string(j.at("peer")), std::string(j.at("version")),
                        std::string(j.at("type")), std::string(j.at("kernel")));
        p.shape = shape_of(j.at("case")), p.threads = j.at("threads"), p.us = j.at("median_us");
        p.gop = j.at("gop_per_s"), p.ratio = j.at("ratio");
        peers.push_back(std::move(p));
        continue;
      }
      Row r{.name = j.value("id", std::string(j.at("op")))};
      r.variant = fmt::format("{}/{}", std::string(j.at("op")), std::string(j.at("variant")));
      r.shape = shape_of(j.at("case"));
      r.threads = j.at("threads"), r.gb = j.at("gb_per_s"), r.gop = j.at("gop_per_s");
      r.ceiling = j.at("ceiling"), r.ceiling_name = j.at("ceiling_name");
      r.unit = j.at("ceiling_unit"), r.share = j.at("share"), r.error = j.at("rel_l2");
      r.mib = double(j.at("footprint_bytes")) / (1 << 20);
      r.memory = harness::memory_name(j.at("hot"), j.value("cold", false));
      r.pages = j.at("pages"), r.cpu = j.at("cpu_model");
      if (j.contains("other_ceilings"))
        for (const auto& [name, value] : j.at("other_ceilings").items())
          if (name.ends_with("_read")) r.reads[name] = value;
      rows.push_back(std::move(r));
    } catch (const nlohmann::json::exception&) {
      throw Error(fmt::format("{} line {}: not a result of nibble bench --json", file, number));
    }
  }
  if (rows.empty()) throw Error(file + " has no results");
  return rows;
}

std::string size_text(double mib) {
  return mib >= 1000 ? fmt::format("{:.2f} GiB", mib / 1024) : fmt::format("{:.3g} MiB", mib);
}

}  // namespace

bool is_bench_file(const std::string& path) {
  return path.ends_with(".jsonl") && std::filesystem::is_regular_file(path);
}

std::string bench_markdown(const std::string& file) {
  std::vector<Peer> peers;
  const std::vector<Row> rows = read(file, peers);
  std::set<std::string> machines;
  for (const Row& r : rows) machines.insert(r.cpu + ", pages of " + r.pages);
  std::string s = "Measured on ";
  for (const std::string& m : machines) s += (m == *machines.begin() ? "" : "; ") + m;
  s += ".\n\n| operation | shape | memory | variant | threads | rate | share | of | error |\n"
       "|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& r : rows)
    s += fmt::format("| {} | {} | {} {} | {} | {} | {:.1f} {} | {:.1f}% | {} {:.1f} | {} |\n",
                     r.name, r.shape, r.memory, size_text(r.mib), r.variant, r.threads, r.rate(),
                     r.unit, 100 * r.share, r.ceiling_name, r.ceiling,
                     r.error == 0 ? "0" : fmt::format("{:.1e}", r.error));
  if (!peers.empty())
    s += "\n| operation | shape | threads | peer | its time | ratio to ours "
         "|\n|---|---|---|---|---|---|\n";
  for (const Peer& p : peers)
    s += fmt::format("| {} | {} | {} | {} | {:.0f} us, {:.1f} GOP/s | {:.2f} |\n", p.beside,
                     p.shape, p.threads, p.name, p.us, p.gop, p.ratio);
  return s;
}

void draw_roofline(const std::string& file, const std::string& out) {
  if (!out.ends_with(".svg") && !out.ends_with(".png"))
    throw Error(fmt::format("--out {}: a name that ends in .svg or .png is needed", out));
  std::vector<Peer> peers;
  std::vector<Row> rows = read(file, peers);
  const int threads = std::min_element(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
                        return a.threads < b.threads;
                      })->threads;
  std::erase_if(rows, [&](const Row& r) {
    return r.threads != threads || !(r.gop > 0 && r.gb > 0 && std::isfinite(r.gop / r.gb));
  });
  if (rows.empty()) throw Error(file + " has no results with operations and bytes a second");

  std::map<std::string, double> bandwidths, rates;  // the best that was measured of each roof
  double least = 1e30, most = 0, highest = 0;
  for (const Row& r : rows) {
    double& roof = (r.unit == "GB/s" ? bandwidths : rates)[r.ceiling_name];
    roof = std::max(roof, r.ceiling);
    for (const auto& [name, gb] : r.reads) bandwidths[name] = std::max(bandwidths[name], gb);
    least = std::min(least, r.gop / r.gb), most = std::max(most, r.gop / r.gb);
    highest = std::max({highest, r.gop, r.unit == "GB/s" ? 0 : r.ceiling});
  }
  Plot p{
      .title = fmt::format("{} thread{} on {}", threads, threads == 1 ? "" : "s", rows.front().cpu),
      .x_label = "operations a byte",
      .y_label = "GOP/s",
      .log_y = true};
  for (const auto& [name, gb] : bandwidths) {
    // A roof that a kernel sets itself differs from kernel to kernel: no line for all.
    if (name == "own_l2_rate") continue;
    const double to = std::clamp(highest / gb, least, 4 * most);
    p.curves.push_back({fmt::format("{} {:.1f} GB/s", name, gb),
                        {{least / 1.5, least / 1.5 * gb}, {to, to * gb}}});
  }
  for (const auto& [name, gop] : rates) p.levels.push_back({name, gop, fmt::format("{:.0f}", gop)});
  std::map<std::string, int> colours;
  for (const Row& r : rows) {
    const std::string family = r.name.substr(0, r.name.find('_'));
    const int colour = colours.try_emplace(family, int(colours.size())).first->second;
    p.marks.push_back({r.name, r.gop / r.gb, r.gop, colour});
  }
  write_picture(svg(p), out);
}

}  // namespace nibble::app
