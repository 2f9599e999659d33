// What a run found and counted.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "options.h"

namespace ptxrun {

enum class FaultKind : uint8_t {
  out_of_bounds,
  misaligned,
  uninitialised,
  race,
  divergence,
  deadlock,
  trap,
  assertion,
  refused,      // a kernel or a call this executor does not run
  misuse,       // of an instruction: a mask, a descriptor, a count
  host,         // host code touched device memory
  proxy,        // a write that the asynchronous proxy need not see: a fence is missing
  exited_peer,  // shared memory of a block of the cluster that has exited
  no_peer,      // memory of a device that the kernel's has no access to
  leak,         // what must be given back before an end
};
const char* name_of(FaultKind kind);

struct Finding {
  FaultKind kind;
  std::string what;    // one sentence
  std::string where;   // kernel, block, thread
  std::string source;  // a.cu:12, or empty without -lineinfo
  std::string text;    // the instruction
  int line = 0;        // of the PTX
  uint64_t times = 1;
};

class Report {
 public:
  // A quiet one keeps what is added to it and tells nobody.
  explicit Report(const Options& options, bool quiet = false) : options_(options), quiet_(quiet) {}
  // Findings of one kind at one instruction are one finding, counted.
  void add(Finding finding);
  // One line for the ptxrun command, which reads it when the program has ended.
  void ledger(const std::string& line) const;
  bool empty() const { return findings_.empty(); }
  const std::vector<Finding>& findings() const { return findings_; }
  const Options& options() const { return options_; }

 private:
  const Options& options_;
  bool quiet_;
  std::vector<Finding> findings_;
  std::map<std::string, size_t> known_;
};

// The sentences a person reads, one finding.
std::string to_text(const Finding& finding);

}  // namespace ptxrun
