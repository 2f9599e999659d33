// nibble report RUN... --out FILE.svg|.png|.html [--x seconds|tokens|steps]
// nibble report BENCH.jsonl [--markdown] [--out ROOFLINE.svg|.png]
// nibble report --ledger [--file FILE|FOLDER] [--markdown] [--add RECORD.json]
// nibble report --recipes [--markdown]
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "command.h"
#include "folders.h"
#include "nibble/harness/ledger.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/files.h"
#include "nibble/train/recipe.h"
#include "nibble/train/trial.h"
#include "report_bench.h"
#include "report_run.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string file = "bench", add;
  bool ledger = false, recipes = false, markdown = false;
  std::vector<std::string> runs;
  std::string out, x_axis = "seconds";
};

constexpr const char* kExperiments = "ledger.jsonl";  // in a folder of records

// The files of records: `file`, or the *.jsonl of a folder (not those of folders in it).
std::vector<std::string> ledger_files(const std::string& file) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (fs::is_regular_file(file, none)) return {file};
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(file, none))
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path().string());
  if (files.empty()) throw Error("there is no ledger " + file);
  std::sort(files.begin(), files.end());
  return files;
}

// Two kinds of records: experiments with ops, and trials of recipes.
Exit report_ledger(const Flags& flags) {
  if (!flags.add.empty()) {
    harness::LedgerRecord record;
    throw_if(harness::parse_record(read_file(flags.add), record));
    const bool folder = std::filesystem::is_directory(flags.file);
    throw_if(harness::append_record(folder ? flags.file + "/" + kExperiments : flags.file, record));
  }
  std::vector<harness::LedgerRecord> experiments;
  std::vector<train::Trial> trials;
  for (const std::string& file : ledger_files(flags.file)) {
    std::ifstream in(file);
    int number = 1;
    for (std::string line; std::getline(in, line); ++number) {
      const std::string source = fmt::format("{} line {}", file, number);
      if (train::is_trial(line)) {
        trials.push_back(train::parse_trial(line, source));
      } else if (Status s = harness::parse_record(line, experiments.emplace_back()); !s.ok()) {
        throw Error(source + ": " + s.why());
      }
    }
  }
  if (!experiments.empty())
    fmt::print("{}",
               flags.markdown ? harness::to_markdown(experiments) : harness::to_text(experiments));
  if (!experiments.empty() && !trials.empty()) fmt::print("\n");
  fmt::print("{}", train::trial_table(trials, flags.markdown));
  return 0;
}

std::string row(const train::Recipe& r, const train::Figure& f, bool markdown) {
  const train::Spread s = train::spread(f.heldout_nats);
  std::string seeds;
  for (const uint64_t seed : f.seeds) seeds += (seeds.empty() ? "" : ",") + std::to_string(seed);
  const std::string figure = f.seeds.size() < 2
                                 ? fmt::format("{:.3f}", s.mean)
                                 : fmt::format("{:.3f} +- {:.3f}", s.mean, s.deviation);
  const std::string budget =
      fmt::format("{:g} s{}, {} threads", f.seconds,
                  f.rate > 0 ? fmt::format(" at {:g} updates/s", f.rate) : "", f.threads);
  if (markdown)
    return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", r.name, train::label(r),
                       f.text, budget, figure, seeds, f.machine, f.commit);
  return fmt::format("{}: {}\n  {}, {}: {} nats/byte, seeds {}, {}, {}\n", r.name, train::label(r),
                     f.text, budget, figure, seeds, f.machine, f.commit);
}

// What `nibble bench --json` printed into a file.
Exit report_bench(const Flags& flags) {
  if (!flags.markdown && flags.out.empty())
    throw Error("of " + flags.runs.front() + " --markdown makes a table, --out a roofline");
  if (flags.markdown) fmt::print("{}", bench_markdown(flags.runs.front()));
  if (!flags.out.empty()) draw_roofline(flags.runs.front(), flags.out);
  return 0;
}

// Every shipped recipe with the figures that it has been seen to reach.
Exit report_recipes(const Flags& flags) {
  if (flags.markdown)
    fmt::print(
        "| recipe | how | text | budget | held-out nats/byte | seeds | machine | commit |\n"
        "|---|---|---|---|---|---|---|---|\n");
  const std::vector<std::string> folders = recipe_folders();
  for (const std::string& name : train::recipe_names(folders)) {
    const train::Recipe r = train::find_recipe(name, folders);
    for (const train::Figure& f : r.figures) fmt::print("{}", row(r, f, flags.markdown));
    if (r.figures.empty())
      fmt::print("{}", flags.markdown
                           ? fmt::format("| {} | {} | | | | | | |\n", r.name, train::label(r))
                           : fmt::format("{}: {}\n  no figures yet\n", r.name, train::label(r)));
  }
  return 0;
}

}  // namespace

void add_report(CLI::App& command, Exit& exit) {
  auto flags = std::make_shared<Flags>();
  auto* runs =
      command.add_option("runs", flags->runs, "runs' directories, or one file of bench results");
  auto* out = command.add_option("--out", flags->out, "a name that ends in .svg, .png or .html");
  auto* x = command.add_option("--x", flags->x_axis, "what the curves run along")
                ->check(CLI::IsMember({"seconds", "tokens", "steps"}))
                ->capture_default_str();
  auto* ledger = command.add_flag("--ledger", flags->ledger,
                                  "experiments and their verdicts, trials of recipes in order");
  auto* recipes = command
                      .add_flag("--recipes", flags->recipes,
                                "the shipped recipes and what they have been seen to reach")
                      ->excludes(ledger);
  command.add_option("--file", flags->file, "a ledger, or a folder whose *.jsonl are ledgers")
      ->needs(ledger)
      ->capture_default_str();
  command.add_option("--add", flags->add, "first append the record in this file of JSON")
      ->needs(ledger);
  command.add_flag("--markdown", flags->markdown, "a table for a document");
  for (CLI::Option* o : {runs, out}) o->excludes(ledger), o->excludes(recipes);
  out->needs(runs);
  command.callback([flags, x, &exit] {
    if (!flags->ledger && !flags->recipes && flags->runs.empty())
      throw CLI::RequiredError("RUN... --out FILE, or --ledger, or --recipes,");
    const bool bench = flags->runs.size() == 1 && is_bench_file(flags->runs.front());
    if (!flags->runs.empty() && flags->out.empty() && !bench)
      throw CLI::RequiresError("runs", "--out");
    if (flags->markdown && !flags->ledger && !flags->recipes && !bench)
      throw Error("--markdown is for results of a bench, --ledger and --recipes");
    if (x->count() > 0 && (bench || flags->ledger || flags->recipes))
      throw Error("--x is for curves of runs");
    if (bench) {
      exit = report_bench(*flags);
    } else if (flags->ledger) {
      exit = report_ledger(*flags);
    } else if (flags->recipes) {
      exit = report_recipes(*flags);
    } else {
      report_runs(flags->runs, flags->out, flags->x_axis);
      exit = 0;
    }
  });
}

}  // namespace nibble::app
