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

// How the memory of a case is laid out for timing.
struct Layout {
  // Hot: one copy of the buffers, used again and again. Cold: so many copies, used in turn, that
  // cold_bytes of distinct inputs, and no less than four times the last cache, are read between two
  // uses of one; where outputs are larger than inputs they count too. What makes up less than a
  // 64th of a case has one copy: the activations of a matrix times a vector are in the cache when a
  // model runs, too.
  bool cold = false;
  int64_t cold_bytes = 1 << 30;
  Pages pages = Pages::huge;
};

class TimedCase {
 public:
  TimedCase(const OpView&, int case_index, const Machine&, const Layout&);

  const std::string& invalid() const { return invalid_; }  // why it cannot be timed, or empty
  std::string_view pages() const { return pages_; }        // "2 MiB", "4 KiB", "mixed" or "unknown"
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
  void make_copies(const OpView&, int case_index, const Machine&, const Layout&);
  size_t next() const { return used_ + 1 < copies_.size() ? used_ + 1 : 0; }
  void load(int set, size_t copy);  // inputs of a set; those of `in` unless they are there
  void load_all(int set);
  void call(int variant, Pool*);
  std::string judge(int set);  // the copy that was used last
  std::string run_alone(int variant);

  CaseMemory memory_{Placement::packed};
  std::vector<std::unique_ptr<BoundCase>> copies_;
  size_t used_ = 0, buffers_ = 0;  // the copy used last; buffers of one copy
  std::vector<bool> shared_;       // buffers that all copies have in common
  std::vector<int> loaded_;        // the set in each copy's own `in` buffers
  std::vector<size_t> dirty_;
  std::string_view pages_ = "unknown";
  Contents before_[2], want_[2];  // want_[1] is empty if the reference takes long
  std::string invalid_;
  double rel_l2_ = 0;
};

}  // namespace nibble::harness
