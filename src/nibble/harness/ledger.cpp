#include "nibble/harness/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "nibble/harness/replace_file.h"

namespace nibble::harness {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::string_view kVerdicts[] = {"promoted", "neutral", "valid-negative",
                                          "rejected-incorrect", "invalid"};

struct Field {
  const char* name;
  std::string LedgerRecord::*value;
};
constexpr Field kFields[] = {{"id", &LedgerRecord::id},
                             {"date", &LedgerRecord::date},
                             {"question", &LedgerRecord::question},
                             {"baseline", &LedgerRecord::baseline},
                             {"candidate", &LedgerRecord::candidate},
                             {"verdict", &LedgerRecord::verdict},
                             {"figures", &LedgerRecord::figures},
                             {"machine", &LedgerRecord::machine},
                             {"command", &LedgerRecord::command},
                             {"reopen_if", &LedgerRecord::reopen_if}};

bool is_date(const std::string& s) {
  constexpr std::string_view shape = "dddd-dd-dd";
  if (s.size() != shape.size()) return false;
  for (size_t i = 0; i < s.size(); ++i)
    if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i]) return false;
  const int month = std::stoi(s.substr(5, 2)), day = std::stoi(s.substr(8, 2));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

}  // namespace

Status check(const LedgerRecord& r) {
  for (const Field& f : kFields)
    if ((r.*f.value).empty())
      return Status::error(fmt::format("ledger record '{}' lacks {}", r.id, f.name));
  if (r.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    return Status::error("ledger id '" + r.id + "' may hold a-z, 0-9 and - only");
  if (!is_date(r.date))
    return Status::error("ledger record '" + r.id + "' has date '" + r.date +
                         "', which is not YYYY-MM-DD");
  if (std::find(std::begin(kVerdicts), std::end(kVerdicts), r.verdict) == std::end(kVerdicts))
    return Status::error(fmt::format("ledger record '{}' has verdict '{}'; known are {}", r.id,
                                     r.verdict, fmt::join(kVerdicts, ", ")));
  return {};
}

Status parse_record(const std::string& text, LedgerRecord& r) {
  const auto j = ordered_json::parse(text, nullptr, false);
  if (!j.is_object())
    return Status::error("not a ledger record, which is a JSON object: " + text.substr(0, 60) +
                         (text.size() > 60 ? "..." : ""));
  for (const auto& [key, value] : j.items()) {
    const auto* field = std::find_if(std::begin(kFields), std::end(kFields),
                                     [&](const Field& f) { return key == f.name; });
    if (field == std::end(kFields))
      return Status::error("a ledger record has no field '" + key + "'");
    if (!value.is_string())
      return Status::error("field '" + key + "' of a ledger record must be a string");
    r.*field->value = value.get<std::string>();
  }
  return check(r);
}

std::string to_json(const LedgerRecord& r) {
  ordered_json j;
  for (const Field& f : kFields) j[f.name] = r.*f.value;
  return j.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Status read_ledger(const std::string& file, std::vector<LedgerRecord>& records) {
  std::error_code none;
  if (fs::exists(file, none) && !fs::is_regular_file(file, none))
    return Status::error(file + " is not a regular file, as a ledger is");
  std::ifstream in(file);
  std::set<std::string> ids;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    LedgerRecord r;
    if (Status s = parse_record(line, r); !s.ok())
      return Status::error(fmt::format("{} line {}: {}", file, number, s.why()));
    if (!ids.insert(r.id).second)
      return Status::error(fmt::format("{} line {}: id '{}' is used twice", file, number, r.id));
    records.push_back(std::move(r));
  }
  return {};
}

Status append_record(const std::string& file, const LedgerRecord& r) {
  if (Status s = check(r); !s.ok()) return s;
  std::vector<LedgerRecord> records;
  if (Status s = read_ledger(file, records); !s.ok()) return s;
  for (const LedgerRecord& other : records)
    if (other.id == r.id) return Status::error("the ledger has a record '" + r.id + "' already");
  records.push_back(r);
  std::string text;
  for (const LedgerRecord& each : records) text += to_json(each) + "\n";
  return replace_file(file, text);
}

LedgerRecord record_of(const AbResult& r, const std::string& id, const std::string& date,
                       const std::string& question, const std::string& reopen_if) {
  LedgerRecord record{.id = id, .date = date, .question = question};
  record.baseline = fmt::format("{}/{} {}", r.op, r.baseline, r.baseline_hash);
  record.candidate = fmt::format("{}/{} {}", r.op, r.candidate, r.candidate_hash);
  record.verdict = r.verdict == Verdict::faster   ? "promoted"
                   : r.verdict == Verdict::slower ? "valid-negative"
                                                  : "neutral";
  record.figures = fmt::format(
      "{:.2f} us against {:.2f} us, ratio {:.3f} [{:.3f}, {:.3f}] over {} rounds, noise {:.3f}, {} "
      "thread{}, {}",
      r.baseline_us, r.candidate_us, r.ratio.value, r.ratio.low, r.ratio.high, r.rounds, r.noise,
      r.threads, r.threads == 1 ? "" : "s", memory_name(r.hot, r.cold));
  record.machine = r.cpu_model;
  record.command =
      fmt::format("nibble bench {} --case {} --ab {},{} --threads {}{}", r.op, r.case_name,
                  r.baseline, r.candidate, r.threads, r.cold ? " --cold" : "");
  record.reopen_if = reopen_if;
  return record;
}

std::string to_text(const std::vector<LedgerRecord>& records) {
  std::string s;
  for (const LedgerRecord& r : records)
    s += fmt::format("{}  {}  {}\n  {}\n  {} against {}\n  {}\n  on {}: {}\n  again if: {}\n",
                     r.date, r.id, r.verdict, r.question, r.candidate, r.baseline, r.figures,
                     r.machine, r.command, r.reopen_if);
  return s;
}

std::string to_markdown(const std::vector<LedgerRecord>& records) {
  std::string s =
      "| date | id | question | baseline | candidate | verdict | figures | machine | again if |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  const auto cell = [](std::string text) {
    for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
      text.insert(at, "\\");
    return text;
  };
  for (const LedgerRecord& r : records)
    s += fmt::format("| {} | {} | {} | {} | {} | {} | {}; `{}` | {} | {} |\n", r.date, r.id,
                     cell(r.question), cell(r.baseline), cell(r.candidate), r.verdict,
                     cell(r.figures), cell(r.command), cell(r.machine), cell(r.reopen_if));
  return s;
}

}  // namespace nibble::harness
