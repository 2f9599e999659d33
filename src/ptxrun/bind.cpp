#include "bind.h"

#include <algorithm>
#include <bit>

#include "memory.h"
#include "registers.h"
#include "special.h"

namespace ptxrun {
namespace {

const Instruction kImplicitReturn = [] {
  Instruction i;
  i.opcode = "ret", i.text = "ret", i.parts = {"ret"};
  return i;
}();

// Opcodes such as add exist for integers, floats and halves: the last type decides.
const OpcodeRow* find_row(const Instruction& ins) {
  Type type = Type::none;
  for (const std::string& part : ins.parts)
    if (Type t = type_named(part); t != Type::none) type = t;
  const bool wide = type == Type::f32 || type == Type::f64;
  const auto search = [&](std::span<const OpcodeRow> rows) -> const OpcodeRow* {
    for (const OpcodeRow& row : rows)
      if (row.name == ins.parts[0]) return &row;
    return nullptr;
  };
  const bool half = type == Type::f16 || type == Type::bf16 || type == Type::f16x2 ||
                    type == Type::bf16x2 || type == Type::f32x2;
  if (half)
    if (const OpcodeRow* row = search(half_opcodes())) return row;
  if (wide)
    if (const OpcodeRow* row = search(float_opcodes())) return row;
  for (auto rows : {integer_opcodes(), bit_opcodes(), compare_opcodes(), convert_opcodes(),
                    move_opcodes(), memory_opcodes(), atomic_opcodes(), warp_opcodes(),
                    matrix_opcodes(), async_opcodes(), control_opcodes(), cluster_opcodes(),
                    mbarrier_opcodes(), wgmma_opcodes(), tcgen05_opcodes()})
    if (const OpcodeRow* row = search(rows)) return row;
  return nullptr;
}

uint32_t round_up(uint32_t n, uint32_t to) { return (n + to - 1) / to * to; }

}  // namespace

namespace {

// Whether blocks can hear of each other through it: atomics and ordered accesses beyond a block's
// own shared memory, fences that reach further than a block, output and memory that all blocks
// share.
bool is_communication(const Instruction& ins) {
  const auto has = [&](std::initializer_list<std::string_view> names) {
    return std::any_of(ins.parts.begin(), ins.parts.end(), [&](const std::string& part) {
      return std::find(names.begin(), names.end(), part) != names.end();
    });
  };
  const std::string& name = ins.parts[0];
  const bool inside = has({"shared", "shared::cta", "shared::cluster", "cta"});
  if (name == "atom" || name == "red" || name == "membar") return !inside;
  if (name == "fence") return !inside && !has({"proxy", "mbarrier_init", "cluster"});
  if (name == "ld" || name == "st")
    return !inside && has({"volatile", "relaxed", "acquire", "release", "mmio"});
  if (name == "cp") return has({"reduce"});
  if (name == "clusterlaunchcontrol") return true;
  if (name != "call") return false;
  return std::any_of(ins.operands.begin(), ins.operands.end(), [](const Operand& o) {
    if (o.kind != Operand::Kind::function || o.function->defined) return false;
    return o.function->name != "__assertfail";
  });
}

}  // namespace

// ---- modifiers ----

bool Form::take(std::string_view name) {
  for (size_t k = 1; k < ins_.parts.size(); ++k)
    if (!taken_[k] && ins_.parts[k] == name) return taken_[k] = true;
  return false;
}
bool Form::take_any(std::initializer_list<std::string_view> names) {
  bool any = false;
  for (std::string_view n : names) any |= take(n);
  return any;
}
std::string Form::take_prefix(std::string_view prefix) {
  for (size_t k = 1; k < ins_.parts.size(); ++k)
    if (!taken_[k] && ins_.parts[k].rfind(prefix, 0) == 0) {
      taken_[k] = true;
      return ins_.parts[k];
    }
  return {};
}
Type Form::take_type() {
  for (size_t k = 1; k < ins_.parts.size(); ++k)
    if (!taken_[k])
      if (Type t = type_named(ins_.parts[k]); t != Type::none) {
        taken_[k] = true;
        return t;
      }
  return Type::none;
}
Type Form::type() {
  const Type t = take_type();
  if (t == Type::none) throw Unsupported("type");
  return t;
}
void Form::finish() const {
  for (size_t k = 1; k < taken_.size(); ++k)
    if (!taken_[k]) throw Unsupported("modifier ." + ins_.parts[k]);
}

// ---- slots ----

Binder::Binder(Kernel& kernel, const Symbols& symbols, const Memory& memory)
    : kernel_(kernel), symbols_(symbols), memory_(memory) {
  fresh(0);  // kCarrySlot
}

Slot Binder::fresh(int size) {
  if (size > 1) kernel_.register_bytes = round_up(kernel_.register_bytes, kLine);
  const Slot s{kernel_.register_bytes, uint8_t(size)};
  kernel_.register_bytes += size ? uint32_t(size) * kLanes : 16;
  kernel_.register_bytes = round_up(kernel_.register_bytes, 16);
  return s;
}
Slot Binder::constant(uint64_t bits, int size, bool shared) {
  auto [it, is_new] = constants_.try_emplace({bits, size, shared});
  if (is_new) {
    it->second = fresh(size);
    kernel_.constants.push_back({it->second, bits, shared});
  }
  return it->second;
}
Slot Binder::reg(int index) {
  auto [it, is_new] = registers_.try_emplace({function_, index});
  if (is_new) it->second = fresh(size_of(function_->registers[size_t(index)].type));
  return it->second;
}
const Operand& Binder::operand(size_t k) const {
  if (k >= ins_->operands.size()) throw Unsupported("too few operands");
  return ins_->operands[k];
}

uint64_t Binder::variable_address(const Variable* v) {
  if (v->space == Space::shared) return shared_offset(v);
  if (v->space == Space::local) return local_offset(v);
  if (v->space == Space::param) {
    const ParamPlace p = param(v);
    if (!p.of_kernel) throw Unsupported("address of a function's parameter");
    return p.at;
  }
  auto it = symbols_.find(v);
  if (it == symbols_.end())
    throw Unsupported("variable " + v->name + ", which the module does not define");
  return it->second;
}

Slot Binder::source(const Operand& o, Type type, bool wide) {
  const int size = size_of(type);
  switch (o.kind) {
    case Operand::Kind::reg: {
      const Slot s = reg(o.index);
      use_.reads.push_back(s.at);
      if (s.size != size && !(wide && s.size > size))
        throw Unsupported("register " + o.name + " has another size than the instruction");
      return s;
    }
    case Operand::Kind::integer:
      if (type == Type::pred) return constant(o.bits ? kAll : 0, 0);
      return constant(size >= 8 ? o.bits : o.bits & ((uint64_t(1) << 8 * size) - 1), size);
    case Operand::Kind::float32:
      return constant(type == Type::f64
                          ? std::bit_cast<uint64_t>(double(std::bit_cast<float>(uint32_t(o.bits))))
                          : o.bits,
                      size);
    case Operand::Kind::float64:
      return constant(type == Type::f32
                          ? std::bit_cast<uint32_t>(float(std::bit_cast<double>(o.bits)))
                          : o.bits,
                      size);
    case Operand::Kind::special: {
      if (o.name == "WARP_SZ") return constant(kLanes, size);
      const int which = special_named(o.name);
      if (which < 0) throw Unsupported("special register " + o.name);
      auto [it, is_new] = specials_.try_emplace(o.name + "/" + std::to_string(size));
      if (is_new) {
        it->second = fresh(size);
        kernel_.specials.push_back({it->second, which});
      }
      return it->second;
    }
    case Operand::Kind::variable:
      return constant(variable_address(o.variable) + o.bits, size,
                      o.variable->space == Space::shared);
    default:
      throw Unsupported("operand " + o.name);
  }
}
Slot Binder::target(const Operand& o, Type type, bool wide) {
  if (o.kind == Operand::Kind::sink) return fresh(size_of(type));
  if (o.kind != Operand::Kind::reg) throw Unsupported("result that is not a register");
  const Slot s = source(o, type, wide);
  use_.reads.pop_back();
  use_.writes.push_back(s.at);
  return s;
}
void Binder::in_wide(Op& op, int i, const Operand& o, Type type) {
  set(op, i, source(o, type, true));
}
void Binder::out_wide(Op& op, int i, const Operand& o, Type type) {
  set(op, i, target(o, type, true));
}
void Binder::in_pred(Op& op, int i, const Operand& o) {
  set(op, i, source(o, Type::pred));
  if (o.negated) op.negated = uint8_t(op.negated | 1u << i);
}
std::vector<Slot> Binder::slots(const Operand& o, Type type, bool write, bool wide) {
  std::vector<Slot> r;
  auto one = [&](const Operand& x) {
    r.push_back(write ? target(x, type, wide) : source(x, type, wide));
  };
  if (o.kind == Operand::Kind::list)
    for (const Operand& x : o.list) one(x);
  else
    one(o);
  return r;
}
void Binder::address(Op& op, int i, const Operand& o) {
  if (o.kind != Operand::Kind::address) throw Unsupported("address");
  const Operand& base = o.list[0];
  op.imm = int64_t(o.bits);
  if (base.kind == Operand::Kind::reg) {
    const Slot s = reg(base.index);
    if (s.size != 4 && s.size != 8) throw Unsupported("address register");
    return set(op, i, s);
  }
  if (base.kind == Operand::Kind::variable) {
    // The state space of a generic access to a variable is the variable's.
    if (op.space == Space::generic) op.space = base.variable->space;
    return set(op, i,
               constant(variable_address(base.variable), 8, base.variable->space == Space::shared));
  }
  set(op, i, constant(0, 8));
}

// ---- places of variables ----

Binder::ParamPlace Binder::param(const Variable* v) {
  if (v->space != Space::param) throw Unsupported("parameter " + v->name);
  auto [it, is_new] = params_.try_emplace(v);
  if (is_new) {
    const uint32_t bytes = uint32_t(v->bytes());
    it->second = {false, kernel_.register_bytes, bytes};
    kernel_.register_bytes = round_up(kernel_.register_bytes + bytes * kLanes, 16);
  }
  return it->second;
}
uint32_t Binder::shared_offset(const Variable* v) {
  auto it = shared_.find(v);
  if (it == shared_.end()) throw Unsupported("shared variable " + v->name);
  return it->second;
}
uint32_t Binder::local_offset(const Variable* v) {
  auto [it, is_new] = local_.try_emplace(v);
  if (is_new) {
    it->second = round_up(kernel_.local_bytes, std::max(v->align, 1u));
    kernel_.local_bytes = it->second + uint32_t(v->bytes());
  }
  return it->second;
}

// Static shared variables first, then the dynamic array, which all `extern .shared x[]` name.
void Binder::lay_out(const Function& entry) {
  for (const Variable& v : entry.params) {
    const uint32_t at = round_up(kernel_.param_bytes, v.align), bytes = uint32_t(v.bytes());
    params_[&v] = {true, at, bytes};
    kernel_.params.push_back({at, bytes});
    kernel_.param_bytes = at + bytes;
  }
  std::vector<const Variable*> all;
  for (const Variable& v : kernel_.module->variables)
    if (v.space == Space::shared) all.push_back(&v);
  for (const Function& f : kernel_.module->functions)
    for (const Variable& v : f.locals)
      if (v.space == Space::shared && (&f == &entry || !f.entry)) all.push_back(&v);
  for (const Variable* v : all)
    if (v->count) {
      shared_[v] = kSharedBase + round_up(kernel_.static_shared, v->align);
      kernel_.static_shared = shared_[v] - kSharedBase + uint32_t(v->bytes());
    } else {
      dynamic_align_ = std::max(dynamic_align_, v->align);
    }
  // Launch places dynamic memory at the first address after the static part that suits every array.
  const uint32_t dynamic = kSharedBase + round_up(kernel_.static_shared, dynamic_align_);
  bool any = false;
  for (const Variable* v : all)
    if (v->count == 0) shared_[v] = dynamic, any = true;
  if (any) kernel_.static_shared = dynamic - kSharedBase;
}

// ---- functions ----

void Binder::call(const Function* f) {
  if (!starts_.count(f) && std::find(wanted_.begin(), wanted_.end(), f) == wanted_.end())
    wanted_.push_back(f);
}

void Binder::bind_instruction(const Instruction& ins) {
  Op op;
  op.ins = ins_ = &ins;
  use_ = {};
  try {
    const OpcodeRow* row = find_row(ins);
    if (!row) throw Unsupported("opcode");
    Form form(ins);
    if (ins.guard >= 0) op.guard = int32_t(reg(ins.guard).at), op.guard_negated = ins.guard_negated;
    row->bind(*this, form, op);
    kernel_.communicates |= is_communication(ins);
    if (!op.run) throw Unsupported("form");
    form.finish();
    // A ret outside a function that was called ends the thread.
    if (op.flow == Flow::give_back && function_ == kernel_.function) op.flow = Flow::leave;
  } catch (const Unsupported& e) {
    kernel_.unknown.push_back("PTX line " + std::to_string(ins.line) + ": " + ins.text +
                              " (unknown " + e.what() + ")");
    op.flow = Flow::straight;
    op.run = [](Warp&, const Op& o, uint32_t m) {
      throw Fault{FaultKind::refused, "unknown instruction " + o.ins->text, m};
    };
  }
  kernel_.code.push_back(std::move(op));
  const bool later = ins.parts[0] == "wgmma" || ins.parts[0] == "tcgen05";
  kernel_.uses.push_back(later ? RegisterUse{} : std::move(use_));
}

void Binder::bind_function(const Function& f) {
  function_ = &f;
  const uint32_t start = uint32_t(kernel_.code.size());
  starts_[&f] = start;
  kernel_.code.reserve(kernel_.code.size() + f.code.size() + 1);
  for (const Instruction& ins : f.code) bind_instruction(ins);
  for (size_t k = start; k < kernel_.code.size(); ++k)
    if (kernel_.code[k].flow == Flow::branch) kernel_.code[k].target += start;
  bind_instruction(kImplicitReturn);
}

void Binder::bind_all(const Function& entry) {
  lay_out(entry);
  wanted_ = {&entry};
  while (!wanted_.empty()) {
    const Function* f = wanted_.back();
    wanted_.pop_back();
    if (!starts_.count(f)) bind_function(*f);
  }
  for (Op& op : kernel_.code)
    if (op.flow == Flow::call) op.target = starts_[op.function];
  kernel_.local_bytes = round_up(kernel_.local_bytes, 16);
  if (!kernel_.tracks_registers) kernel_.uses = {};
  for (const Op& op : kernel_.code)
    if (op.ins->parts[0] == "setmaxnreg") kernel_.pool_registers = register_bound(entry);
}

std::unique_ptr<Kernel> bind_kernel(const Module& module, const Function& entry,
                                    const Symbols& symbols, const Memory& memory) {
  auto kernel = std::make_unique<Kernel>();
  kernel->name = entry.name;
  kernel->module = &module;
  kernel->function = &entry;
  Binder(*kernel, symbols, memory).bind_all(entry);
  return kernel;
}

}  // namespace ptxrun
