// A case made ready for timing: its memory, hot or cold, the reference's answers, and the checks
// that stand before and behind every timed run.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nibble/harness/memory.h"
#include "nibble/harness/op_view.h"
#include "nibble/harness/sampler.h"

namespace nibble::harness {

// Hot: one copy of the buffers, used again and again. Cold: so many copies, used in turn, that four
// times the last cache lies between two uses of one.
class TimedCase {
 public:
  TimedCase(const OpView&, int case_index, const Machine&, bool cold);

  const std::string& invalid() const { return invalid_; }  // why it cannot be timed, or empty
  BoundCase& bound() { return *copies_.front(); }
  int64_t footprint_bytes() const { return memory_.footprint_bytes(); }  // of all copies

  // Before timing. Runs the variant on other inputs, then on the case's with poisoned outputs, and
  // judges; a run that gave up its core without being made to is refused: it waits, not works.
  std::string green(int variant, Pool*);

  // What is timed. prepare restores what calls have changed of inout buffers.
  Arm arm(int variant, Pool*);

  // After timing: a call just like the timed ones, onto fresh poison; then one with other inputs
  // and the outputs left as they are. An answer that was kept, or work that is skipped when a call
  // repeats, is wrong in one of them.
  std::string still_green(int variant, Pool*);
  double rel_l2() const { return rel_l2_; }  // of the last judged outputs

 private:
  void load(int set);  // inputs of a set into all copies
  void call(int variant, Pool*);
  std::string judge(int set);  // the copy that was used last
  std::string run_alone(int variant);

  CaseMemory memory_{Placement::packed};
  std::vector<std::unique_ptr<BoundCase>> copies_;
  size_t used_ = 0, buffers_ = 0;  // the copy used last; buffers of one copy
  std::vector<size_t> dirty_;
  Contents before_[2], want_[2];  // want_[1] is empty if the reference takes long
  std::string invalid_;
  double rel_l2_ = 0;
};

}  // namespace nibble::harness
