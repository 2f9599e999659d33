// nibble report --ledger [--file F] [--markdown] [--add RECORD.json]
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "command.h"
#include "nibble/harness/ledger.h"
#include "nibble/runtime/error.h"

namespace nibble::app {
namespace {

struct Flags {
  std::string file = "bench/ledger.jsonl", add;
  bool ledger = false, markdown = false;
};

Exit report(const Flags& flags) {
  if (!flags.ledger) throw Error("say what to report: --ledger");
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
  command.add_flag("--ledger", flags->ledger, "experiments and their verdicts");
  command.add_option("--file", flags->file, "another ledger than bench/ledger.jsonl");
  command.add_option("--add", flags->add, "first append the record in this file of JSON");
  command.add_flag("--markdown", flags->markdown, "a table for a document");
  command.callback([flags, &exit] { exit = report(*flags); });
}

}  // namespace nibble::app
