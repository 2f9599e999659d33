// From a parsed function to executable form: each instruction becomes one handler and slots.
#pragma once
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "machine.h"

namespace ptxrun {

// An instruction, or a form of it, that has no meaning here.
struct Unsupported : std::runtime_error {
  using runtime_error::runtime_error;
};

// The modifiers of an instruction. Each must be taken by the binder of its opcode: one that nobody
// took makes the instruction unknown, so that no modifier is ever ignored by accident.
class Form {
 public:
  explicit Form(const Instruction& ins) : ins_(ins), taken_(ins.parts.size()) { taken_[0] = true; }
  bool take(std::string_view name);
  bool take_any(std::initializer_list<std::string_view> names);  // takes every one that is there
  // The first modifier not yet taken that starts with `prefix`, taken; empty if there is none.
  std::string take_prefix(std::string_view prefix);
  Type take_type();     // the first type not yet taken, or Type::none
  Type type();          // the same, but an instruction without one is unknown
  void finish() const;  // throws Unsupported if anything is left

 private:
  const Instruction& ins_;
  std::vector<bool> taken_;
};

// Addresses of module variables, given when the module was loaded.
using Symbols = std::unordered_map<const Variable*, uint64_t>;

class Binder {
 public:
  Binder(Kernel& kernel, const Symbols& symbols, const Memory& memory);

  // Operand k of the instruction being bound as op.a[i], read as `type`.
  void in(Op& op, int i, const Operand& operand, Type type) { set(op, i, source(operand, type)); }
  void out(Op& op, int i, const Operand& operand, Type type) { set(op, i, target(operand, type)); }
  // The same for a register that may be wider than the type (ld, st, cvt).
  void in_wide(Op& op, int i, const Operand& operand, Type type);
  void out_wide(Op& op, int i, const Operand& operand, Type type);
  void in_pred(Op& op, int i, const Operand& operand);
  // [base + offset]: the base into op.a[i] as an integer of `space`'s address size, or a constant
  // slot; the offset into op.imm.
  void address(Op& op, int i, const Operand& operand);
  std::vector<Slot> slots(const Operand& operand, Type type, bool write, bool wide = false);

  Slot source(const Operand& operand, Type type, bool wide = false);
  Slot target(const Operand& operand, Type type, bool wide = false);
  Slot constant(uint64_t bits, int size, bool shared = false);
  Slot fresh(int size);
  void set(Op& op, int i, Slot slot) {
    op.a[size_t(i)] = slot.at;
    op.size[size_t(i)] = slot.size;
  }
  void collective_all(Op& op) { op.flow = Flow::aligned; }
  void also_read(const std::vector<Slot>& slots) {
    for (const Slot& s : slots) use_.reads.push_back(s.at);
  }

  // Parameters and .param variables: where they stand among the lane-wide bytes (function) or in
  // the launch's parameters (kernel).
  struct ParamPlace {
    bool of_kernel;
    uint32_t at, bytes;
  };
  ParamPlace param(const Variable* variable);
  uint32_t shared_offset(const Variable* variable);
  uint32_t local_offset(const Variable* variable);

  const Instruction& ins() const { return *ins_; }
  const Operand& operand(size_t k) const;
  size_t operands() const { return ins_->operands.size(); }
  Kernel& kernel() { return kernel_; }
  bool is_predicate(const Operand& o) const {
    return o.kind == Operand::Kind::reg && function_->registers[size_t(o.index)].type == Type::pred;
  }
  const Memory& memory() const { return memory_; }
  void call(const Function* f);  // makes sure `f` is bound as well

  void bind_all(const Function& entry);

 private:
  void bind_function(const Function& f);
  void bind_instruction(const Instruction& ins);
  void lay_out(const Function& entry);
  Slot reg(int index);
  uint64_t variable_address(const Variable* v);

  Kernel& kernel_;
  const Symbols& symbols_;
  const Memory& memory_;
  const Function* function_ = nullptr;
  const Instruction* ins_ = nullptr;
  RegisterUse use_;  // of the instruction being bound
  std::map<std::pair<const Function*, int>, Slot> registers_;
  std::map<std::tuple<uint64_t, int, bool>, Slot> constants_;
  std::map<std::string, Slot> specials_;
  std::unordered_map<const Variable*, ParamPlace> params_;
  std::unordered_map<const Variable*, uint32_t> shared_, local_;
  uint32_t dynamic_align_ = 16;
  std::vector<const Function*> wanted_;
  std::unordered_map<const Function*, uint32_t> starts_;
};

// Binds one opcode: sets op.run, op.flow and the slots, or throws Unsupported.
using Bind = void (*)(Binder&, Form&, Op&);
struct OpcodeRow {
  std::string_view name;
  Bind bind;
};
std::span<const OpcodeRow> integer_opcodes();
std::span<const OpcodeRow> bit_opcodes();
std::span<const OpcodeRow> compare_opcodes();
std::span<const OpcodeRow> float_opcodes();
std::span<const OpcodeRow> convert_opcodes();
std::span<const OpcodeRow> move_opcodes();
std::span<const OpcodeRow> memory_opcodes();
std::span<const OpcodeRow> atomic_opcodes();
std::span<const OpcodeRow> warp_opcodes();
std::span<const OpcodeRow> half_opcodes();
std::span<const OpcodeRow> matrix_opcodes();
std::span<const OpcodeRow> async_opcodes();
std::span<const OpcodeRow> control_opcodes();
std::span<const OpcodeRow> cluster_opcodes();
std::span<const OpcodeRow> mbarrier_opcodes();
std::span<const OpcodeRow> wgmma_opcodes();
std::span<const OpcodeRow> tcgen05_opcodes();

// Kernel::unknown is filled; nothing is thrown for instructions that are not known.
std::unique_ptr<Kernel> bind_kernel(const Module& module, const Function& entry,
                                    const Symbols& symbols, const Memory& memory);

// The carry flags of a warp, which .cc instructions keep, are the first slot of every kernel.
inline constexpr uint32_t kCarrySlot = 0;

}  // namespace ptxrun
