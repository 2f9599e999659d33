// The ledger of experiments: bench/ledger.jsonl, a record a line. An idea that lost is a result
// too: its record says with what evidence, and what would have to change to ask again.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/status.h"
#include "nibble/harness/bench.h"

namespace nibble::harness {

struct LedgerRecord {
  std::string id;        // [a-z0-9-]+, unique in the ledger
  std::string date;      // YYYY-MM-DD
  std::string question;  // what was asked, in a sentence
  std::string baseline, candidate;
  // promoted: the candidate is the default now. neutral: within the noise. valid-negative: it was
  // right and slower. rejected-incorrect: it was wrong. invalid: the experiment itself was.
  std::string verdict;
  std::string figures, machine, command;  // evidence: what was seen, where, and how to see it again
  std::string reopen_if;                  // what would have to change
};

// Empty fields, unknown verdicts, ids and dates that are none.
Status check(const LedgerRecord&);
Status parse_record(const std::string& json, LedgerRecord&);
std::string to_json(const LedgerRecord&);

// Fails on the first line that is no valid record, and on ids used twice. No file, no records.
Status read_ledger(const std::string& file, std::vector<LedgerRecord>&);

// Validates the record and the ledger, then replaces the file in one rename.
Status append_record(const std::string& file, const LedgerRecord&);

// What an interleaved comparison amounts to: faster is promoted, slower valid-negative.
LedgerRecord record_of(const AbResult&, const std::string& id, const std::string& date,
                       const std::string& question, const std::string& reopen_if);

std::string to_text(const std::vector<LedgerRecord>&);
std::string to_markdown(const std::vector<LedgerRecord>&);

}  // namespace nibble::harness
