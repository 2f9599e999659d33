// nibble report RUN... --out FILE.svg|.png|.html [--x seconds|tokens|steps]
// nibble report --ledger [--file F] [--markdown] [--add RECORD.json]
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "command.h"
#include "nibble/harness/ledger.h"
#include "nibble/runtime/error.h"
#include "report_run.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string file = "bench/ledger.jsonl", add;
  bool ledger = false, markdown = false;
  std::vector<std::string> runs;
  std::string out, x_axis = "seconds";
};

Exit report_ledger(const Flags& flags) {
  if (!flags.add.empty()) {
    std::ifstream in(flags.add);
    if (!in) throw Error("cannot read " + flags.add);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    harness::LedgerRecord record;
    throw_if(harness::parse_record(text, record));
    throw_if(harness::append_record(flags.file, record));
  }
  if (!std::ifstream(flags.file)) throw Error("there is no ledger " + flags.file);
  std::vector<harness::LedgerRecord> records;
  throw_if(harness::read_ledger(flags.file, records));
  fmt::print("{}", flags.markdown ? harness::to_markdown(records) : harness::to_text(records));
  return 0;
}

}  // namespace

void add_report(CLI::App& command, Exit& exit) {
  auto flags = std::make_shared<Flags>();
  auto* runs = command.add_option("runs", flags->runs, "runs' directories");
  auto* out = command.add_option("--out", flags->out, "a name that ends in .svg, .png or .html");
  command.add_option("--x", flags->x_axis, "what the curves run along")
      ->check(CLI::IsMember({"seconds", "tokens", "steps"}))
      ->capture_default_str();
  auto* ledger = command.add_flag("--ledger", flags->ledger, "experiments and their verdicts");
  command.add_option("--file", flags->file, "another ledger than bench/ledger.jsonl")
      ->needs(ledger);
  command.add_option("--add", flags->add, "first append the record in this file of JSON")
      ->needs(ledger);
  command.add_flag("--markdown", flags->markdown, "a table for a document")->needs(ledger);
  runs->needs(out)->excludes(ledger), out->needs(runs)->excludes(ledger);
  command.callback([flags, &exit] {
    if (!flags->ledger && flags->runs.empty())
      throw CLI::RequiredError("RUN... --out FILE, or --ledger,");
    if (flags->ledger) {
      exit = report_ledger(*flags);
    } else {
      report_runs(flags->runs, flags->out, flags->x_axis);
      exit = 0;
    }
  });
}

}  // namespace nibble::app
