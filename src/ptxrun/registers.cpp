#include "registers.h"

#include <algorithm>

#include "device.h"

namespace ptxrun {
namespace {

using Set = std::vector<uint64_t>;
bool has(const Set& s, int r) { return s[size_t(r) / 64] >> (r % 64) & 1; }
void put(Set& s, int r) { s[size_t(r) / 64] |= uint64_t(1) << (r % 64); }
void drop(Set& s, int r) { s[size_t(r) / 64] &= ~(uint64_t(1) << (r % 64)); }

struct Use {
  std::vector<int> reads, writes;
};

void collect(const Operand& o, std::vector<int>& into) {
  if (o.kind == Operand::Kind::reg) into.push_back(o.index);
  for (const Operand& x : o.list) collect(x, into);
}

// The first operand of an instruction is its result, unless it is an address, which is read, or the
// instruction has none. wgmma adds to what is there.
Use use_of(const Instruction& ins) {
  const std::string& name = ins.parts[0];
  const bool reduces = ins.parts.size() > 1 &&
                       std::find(ins.parts.begin(), ins.parts.end(), "red") != ins.parts.end();
  const bool no_result = name == "nanosleep" || ((name == "bar" || name == "barrier") && !reduces);
  Use u;
  for (size_t k = 0; k < ins.operands.size(); ++k) {
    const Operand& o = ins.operands[k];
    const bool result = k == 0 && !no_result && o.kind != Operand::Kind::address;
    collect(o, result ? u.writes : u.reads);
    if (result && name == "wgmma") collect(o, u.reads);
  }
  if (ins.guard >= 0) {  // lanes that do not execute it keep what they have
    u.reads.push_back(ins.guard);
    u.reads.insert(u.reads.end(), u.writes.begin(), u.writes.end());
  }
  return u;
}

// Made again where it is read, instead of kept: a mov of what is no register, a parameter.
bool is_free(const Instruction& ins) {
  if (ins.parts[0] == "ld") return ins.parts.size() > 1 && ins.parts[1] == "param";
  return ins.parts[0] == "mov" && ins.operands.size() == 2 &&
         ins.operands[1].kind != Operand::Kind::reg && ins.operands[1].kind != Operand::Kind::list;
}

class Liveness {
 public:
  explicit Liveness(const Function& f) : f_(f), words_((f.registers.size() + 63) / 64) {
    std::vector<int> written(f.registers.size(), 0);
    std::vector<bool> free(f.registers.size(), false);
    for (const Instruction& ins : f.code) {
      uses_.push_back(use_of(ins));
      for (int r : uses_.back().writes) ++written[size_t(r)], free[size_t(r)] = is_free(ins);
    }
    for (size_t r = 0; r < f.registers.size(); ++r) {
      const Type type = f.registers[r].type;
      // Two halves share a register.
      bytes_.push_back(type == Type::pred || (written[r] == 1 && free[r])
                           ? 0
                           : std::max(2u, uint32_t(size_of(type))));
    }
    cut();
  }

  uint32_t most() {
    Set live(words_);
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t b = starts_.size(); b-- > 0;) {
        walk(b, live, nullptr);
        changed |= live != before_[b];
        before_[b] = live;
      }
    }
    uint32_t bytes = 0;
    for (size_t b = 0; b < starts_.size(); ++b) walk(b, live, &bytes);
    return (bytes + 3) / 4;
  }

 private:
  size_t end_of(size_t block) const {
    return block + 1 < starts_.size() ? starts_[block + 1] : f_.code.size();
  }
  static const Operand* target_of(const Instruction& ins) {
    return ins.parts[0] == "bra" && !ins.operands.empty() ? &ins.operands[0] : nullptr;
  }
  static bool goes_on(const Instruction& ins) {
    const std::string& name = ins.parts[0];
    return ins.guard >= 0 || (name != "bra" && name != "ret" && name != "exit" && name != "trap");
  }
  // Blocks begin at targets and behind branches.
  void cut() {
    std::vector<bool> first(f_.code.size() + 1, false);
    first[0] = true;
    for (size_t k = 0; k < f_.code.size(); ++k) {
      const Operand* to = target_of(f_.code[k]);
      if (to && to->index >= 0) first[size_t(to->index)] = true;
      if (to || !goes_on(f_.code[k])) first[k + 1] = true;
    }
    for (size_t k = 0; k < f_.code.size(); ++k) {
      if (first[k]) starts_.push_back(k);
      block_.push_back(starts_.size() - 1);
    }
    before_.assign(starts_.size(), Set(words_));
  }
  // What is live before a block, from what is live before those that follow it.
  void walk(size_t block, Set& live, uint32_t* most) const {
    live.assign(words_, 0);
    const size_t end = end_of(block);
    auto join = [&](size_t at) {
      if (at >= f_.code.size()) return;
      for (size_t i = 0; i < words_; ++i) live[i] |= before_[block_[at]][i];
    };
    if (goes_on(f_.code[end - 1])) join(end);
    if (const Operand* to = target_of(f_.code[end - 1]); to && to->index >= 0)
      join(size_t(to->index));
    uint32_t bytes = 0;
    if (most)
      for (size_t r = 0; r < bytes_.size(); ++r) bytes += has(live, int(r)) ? bytes_[r] : 0;
    for (size_t k = end; k-- > starts_[block];) {
      if (most) *most = std::max(*most, bytes);
      for (int r : uses_[k].writes)
        if (has(live, r)) drop(live, r), bytes -= bytes_[size_t(r)];
      for (int r : uses_[k].reads)
        if (!has(live, r)) put(live, r), bytes += bytes_[size_t(r)];
    }
    if (most) *most = std::max(*most, bytes);
  }

  const Function& f_;
  const size_t words_;
  std::vector<Use> uses_;
  std::vector<uint32_t> bytes_;  // of each register
  std::vector<size_t> starts_, block_;
  std::vector<Set> before_;  // of each block
};

}  // namespace

uint32_t register_bound(const Function& f) {
  if (f.max_registers) return std::min(f.max_registers, kMaxRegisters);
  const auto& shape = f.required_threads[0] ? f.required_threads : f.max_threads;
  if (!shape[0]) return 0;
  const uint64_t threads = (uint64_t(shape[0]) * shape[1] * shape[2] + 31) / 32 * 32;
  const uint64_t blocks = std::max(1u, f.min_blocks);
  return uint32_t(std::min<uint64_t>(kMaxRegisters, kRegistersPerSm / (threads * blocks) / 8 * 8));
}

uint32_t registers_of(const Kernel& k) {
  constexpr uint32_t kLeast = 16;
  if (k.registers) return k.registers;
  if (k.pool_registers) return k.registers = k.pool_registers;
  uint32_t most = std::max(kLeast, live_registers(*k.function));
  std::vector<const Function*> called;
  for (const Op& op : k.code)
    if (op.flow == Flow::call &&
        std::find(called.begin(), called.end(), op.function) == called.end())
      called.push_back(op.function);
  for (const Function* f : called) most = std::max(most, live_registers(*f));
  const uint32_t bound = register_bound(*k.function);
  return k.registers = std::min(most, bound ? bound : kMaxRegisters);
}

int64_t free_registers(const Block& b) {
  const uint32_t start = b.launch->kernel->pool_registers;
  int64_t n = int64_t(start) * int64_t(b.warps.size());
  for (const auto& w : b.warps)
    if (w->live) n -= w->held ? w->held : start;
  return n;
}

uint32_t live_registers(const Function& f) { return f.code.empty() ? 0 : Liveness(f).most(); }

}  // namespace ptxrun
