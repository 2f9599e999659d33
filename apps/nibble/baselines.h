// Other libraries on the shapes that were just timed: nibble bench --with-baselines.
#pragma once
#include <string>
#include <vector>

#include "nibble/harness/bench.h"

namespace nibble::app {

struct BaselineResult {
  std::string id, op, case_name;  // of the result it is compared with
  std::string peer, version, type, kernel;
  int threads = 1;
  double median_us = 0, gop_per_s = 0;
  double ratio = 0;  // its time over ours: above 1, nibble is faster
};

class Baselines {
 public:
  Baselines();
  // A line for each peer that cannot be run, with the reason.
  const std::vector<std::string>& absent() const { return absent_; }
  // What the peers need for the same product with as many threads, hot or cold as the result was.
  // The shape is read off the name of the case; empty if it names none.
  std::vector<BaselineResult> compare(const harness::BenchResult&, double seconds) const;

 private:
  std::string program_;
  std::vector<std::string> peers_, absent_;
};

std::string to_json(const BaselineResult&);
std::string to_sentence(const BaselineResult&);

}  // namespace nibble::app
