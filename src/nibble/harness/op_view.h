// An op without its types: what verify, bench, explain and doctor know of it. They are compiled
// once and hold no op by name.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "nibble/base/op.h"

namespace nibble::harness {

// A copy of one case's Args; buffers() makes its pointers real.
class BoundCase {
 public:
  virtual ~BoundCase() = default;
  virtual Status check() const = 0;
  virtual void buffers(BufferVisitor&) = 0;
  virtual void fill(uint64_t set) = 0;  // inputs, from the case's seed; set 0 is the case itself
  virtual void reference() const = 0;
  virtual Tolerance tolerance() const = 0;
  virtual Work work() const = 0;
  virtual std::string_view takes(int variant) const = 0;
  virtual double cost(int variant, const Machine&) const = 0;
  virtual std::string refusal(int variant, const Machine&, std::span<const Proof>) const = 0;
  virtual int select(const Machine&, std::span<const Proof>) const = 0;  // -1: none
  virtual void run(int variant, const Exec&) const = 0;
};

struct VariantInfo {
  std::string_view name;
  IsaSet needs;
};

struct CaseInfo {
  std::string_view name;
  uint64_t seed;
  bool bench;
};

class OpView {
 public:
  virtual ~OpView() = default;
  virtual std::string_view name() const = 0;
  // All variants give the same bits on every input (declared by the op, demanded by verify).
  virtual bool bit_exact() const = 0;
  virtual int num_variants() const = 0;
  virtual VariantInfo variant(int i) const = 0;
  virtual int num_cases() const = 0;
  virtual CaseInfo case_info(int i) const = 0;
  // Ways in which the cases of `verify` fill their inputs; 0 if there are no inputs to fill.
  virtual int num_fills() const = 0;
  virtual std::unique_ptr<BoundCase> bind(int case_index) const = 0;
};

std::span<const OpView* const> all_ops();      // generated
const OpView* find_op(std::string_view name);  // null if unknown

}  // namespace nibble::harness
