// Makes an OpView of a contract. Included by generated glue and by tests of the harness.
#pragma once
#include <algorithm>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/harness/op_view.h"

namespace nibble::harness {

template <OpContract Op>
class ErasedOp final : public OpView {
 public:
  using Args = typename Op::Args;
  explicit ErasedOp(std::vector<Case<Args>> cases) : cases_(std::move(cases)) {}

  std::string_view name() const override { return Op::name; }
  bool bit_exact() const override {
    if constexpr (requires { Op::bit_exact; })
      return Op::bit_exact;
    else
      return false;
  }
  int num_variants() const override { return int(Op::variants().size()); }
  VariantInfo variant(int i) const override {
    const auto& v = Op::variants()[i];
    return {v.name, v.needs};
  }
  int num_cases() const override { return int(cases_.size()); }
  CaseInfo case_info(int i) const override {
    return {cases_[i].name, cases_[i].seed, cases_[i].bench};
  }
  int num_fills() const override {
    std::vector<void (*)(Args&, Random&)> fills;
    for (const auto& c : cases_)
      if (!c.bench && c.fill && std::find(fills.begin(), fills.end(), c.fill) == fills.end())
        fills.push_back(c.fill);
    return int(fills.size());
  }
  std::unique_ptr<BoundCase> bind(int i) const override {
    return std::make_unique<Bound>(cases_[i]);
  }

 private:
  class Bound final : public BoundCase {
   public:
    explicit Bound(const Case<Args>& c) : case_(&c), args_(c.args) {}
    Status check() const override { return Op::check(args_); }
    void buffers(BufferVisitor& v) override { Op::buffers(args_, v); }
    void fill(uint64_t set) override {
      Random rng(case_->seed, set);
      if (case_->fill) case_->fill(args_, rng);
    }
    void reference() const override { Op::reference(args_); }
    Tolerance tolerance() const override { return Op::tolerance(args_); }
    Work work() const override { return Op::work(args_); }
    std::string_view takes(int i) const override { return at(i).takes(args_); }
    double cost(int i, const Machine& m) const override { return at(i).cost(args_, m); }
    std::string refusal(int i, const Machine& m, std::span<const Proof> proofs) const override {
      return nibble::refusal(Op::name, at(i), args_, m, proofs);
    }
    int select(const Machine& m, std::span<const Proof> proofs) const override {
      const auto* v = nibble::select<Op>(args_, m, proofs);
      return v ? int(v - Op::variants().data()) : -1;
    }
    void run(int i, const Exec& e) const override { at(i).run(args_, e); }

   private:
    static const Variant<Args>& at(int i) { return Op::variants()[i]; }
    const Case<Args>* case_;
    Args args_;
  };

  std::vector<Case<Args>> cases_;
};

}  // namespace nibble::harness
