// tcgen05: tensor memory to and from registers and shared memory. (Products: op_tcgen05_mma.cpp.)
#include <bit>

#include "async.h"
#include "flight.h"
#include "matrix.h"
#include "mbarrier.h"
#include "tensor_memory.h"

namespace ptxrun {

struct Transfer {
  const Op* op = nullptr;
  uint32_t address = 0;
  bool done = false;
};
struct Transfers {
  std::vector<Transfer> loads, stores;
};

namespace {

Checker* checker_of(Warp& w) { return w.block->launch->checker.get(); }

// ---- allocation ----

// a[0] = shared address for the result, a[1] = columns.
void allocate(Warp& w, const Op& op, uint32_t) {
  TensorMemory& t = tensor_memory_of(*w.block);
  const uint32_t n = w.reg<uint32_t>(op.a[1])[0];
  if (n < 32 || n > kTensorColumns || !std::has_single_bit(n))
    throw Fault{
        FaultKind::misuse,
        std::to_string(n) + " columns of tensor memory: allowed are powers of two from 32 to 512",
        1};
  if (t.relinquished)
    throw Fault{FaultKind::misuse, "tcgen05.alloc after tcgen05.relinquish_alloc_permit", 1};
  uint32_t at = 0;
  for (; at + n <= kTensorColumns; at += n) {
    bool free = true;
    for (uint32_t c = at; c < at + n; ++c) free &= t.owner[c] == 0;
    if (free) break;
  }
  if (at + n > kTensorColumns)
    throw Fault{FaultKind::deadlock,
                "tcgen05.alloc waits for " + std::to_string(n) +
                    " columns of tensor memory that this block itself holds",
                1};
  for (uint32_t c = at; c < at + n; ++c) t.owner[c] = uint16_t(at + 1);
  Access a;
  a.bytes = 4, a.write = true, a.read = false;
  locate(w, op, 1, 0, a);
  std::memcpy(a.data[0], &at, 4);
  ++w.block->launch->progress;
}
// a[0] = address, a[1] = columns.
void release(Warp& w, const Op& op, uint32_t) {
  TensorMemory& t = tensor_memory_of(*w.block);
  const auto [lane, at] = tensor_address(w.reg<uint32_t>(op.a[0])[0]);
  const uint32_t n = w.reg<uint32_t>(op.a[1])[0];
  uint32_t held = 0;
  for (uint16_t o : t.owner) held += o == at + 1;
  if (lane || held != n)
    throw Fault{FaultKind::misuse,
                "tcgen05.dealloc of " + std::to_string(n) + " columns from " + std::to_string(at) +
                    " on, where " + std::to_string(held) + " were allocated",
                1};
  for (uint16_t& o : t.owner)
    if (o == at + 1) o = 0;
}
void relinquish(Warp& w, const Op&, uint32_t) { tensor_memory_of(*w.block).relinquished = true; }

// ---- registers ----

enum Shape { k32x32b, k16x64b, k16x128b, k16x256b, k16x32bx2 };
struct Cell {
  uint32_t lane, column;
};
// Where element j of lane l lies, from the address on: a register, or with .pack half of one.
Cell cell_of(int shape, uint32_t j, uint32_t l, uint32_t split) {
  switch (shape) {
    case k32x32b:
      return {l, j};
    case k16x64b:
      return {l / 4 + 8 * (l / 2 % 2), 2 * j + l % 2};
    case k16x128b:
      return {l / 4 + 8 * (j % 2), 4 * (j / 2) + l % 4};
    case k16x256b:
      return {l / 4 + 8 * (j / 2 % 2), 8 * (j / 4) + 2 * (l % 4) + j % 2};
    default:
      return {l % 16, j + (l < 16 ? 0 : split)};
  }
}
// list = registers, a[0] = address. mode[0]: shape; mode[1]: two elements to a register; mode[2]:
// distance of the halves of 16x32bx2; mode[3]: columns from the first to the last.
template <class F>
void each_element(const Op& op, uint32_t address, F&& f) {
  const auto [lane, column] = tensor_address(address);
  const uint32_t per = op.mode[1] ? 2 : 1;
  for (uint32_t r = 0; r < op.list.size(); ++r)
    for (uint32_t e = 0; e < per; ++e)
      for (uint32_t l = 0; l < kLanes; ++l) {
        const Cell c = cell_of(op.mode[0], r * per + e, l, uint32_t(op.mode[2]));
        f(r, e, l, lane + c.lane, column + c.column);
      }
}
void move(Warp& w, Transfer& t, bool loads) {
  TensorMemory& m = tensor_memory_of(*w.block);
  const Op& op = *t.op;
  each_element(op, t.address,
               [&](uint32_t r, uint32_t e, uint32_t l, uint32_t lane, uint32_t column) {
                 uint32_t& reg = w.reg<uint32_t>(op.list[r].at)[l];
                 uint32_t& cell = m.at(lane, column);
                 if (!op.mode[1])
                   loads ? void(reg = cell) : void(cell = reg);
                 else if (loads)
                   reg = (reg & ~(0xffffu << 16 * e)) | (cell & 0xffff) << 16 * e;
                 else
                   cell = reg >> 16 * e & 0xffff;
               });
  t.done = true;
}

template <bool Loads>
void transfer(Warp& w, const Op& op, uint32_t) {
  const uint32_t address = w.reg<uint32_t>(op.a[0])[0] + uint32_t(op.imm);
  const auto [lane, column] = tensor_address(address);
  const uint32_t mine = uint32_t(w.index % 4) * 32;
  const bool half = op.mode[0] != k32x32b;
  if (lane != mine && !(half && lane == mine + 16))
    throw Fault{FaultKind::misuse,
                "lane " + std::to_string(lane) + " of tensor memory: warp " +
                    std::to_string(w.index) + " reaches lanes " + std::to_string(mine) + " to " +
                    std::to_string(mine + 31),
                1};
  const AgentKind kind = Loads ? AgentKind::tensor_load : AgentKind::tensor_store;
  check_columns(*w.block, column, uint32_t(op.mode[3]));
  if (Checker* c = checker_of(w))
    touch_tensor(w, op, c->agent(w, kind), *w.block, lane, half ? 16 : 32, column,
                 uint32_t(op.mode[3]), !Loads);
  if (!w.transfers) w.transfers = std::make_shared<Transfers>();
  Transfer t{&op, address};
  for (const Slot& s : op.list) mark(w, s, Loads ? Use::result : Use::source);
  if (runs_now(w)) move(w, t, Loads);
  (Loads ? w.transfers->loads : w.transfers->stores).push_back(t);
  ++w.block->launch->progress;
}
template <bool Loads>
void wait(Warp& w, const Op&, uint32_t) {
  const AgentKind kind = Loads ? AgentKind::tensor_load : AgentKind::tensor_store;
  if (Checker* c = checker_of(w)) {
    c->waited(w, kind, c->agent(w, kind).time);
    c->advance(w, kind);
  }
  if (!w.transfers) return;
  auto& all = Loads ? w.transfers->loads : w.transfers->stores;
  for (Transfer& t : all) {
    if (!t.done) move(w, t, Loads);
    for (const Slot& s : t.op->list) unmark(w, s, Loads ? Use::result : Use::source);
  }
  all.clear();
}

// ---- shared memory to tensor memory ----

// a[0] = address, a[1] = descriptor. mode[0]: rows, mode[1]: bytes of a row, mode[2]: bit q: copy q
// of the rows goes to lanes 32 q and up, or (64 rows) to 64 of them; mode[3]: pair.
void copy_rows(Block& block, const Op& op, uint32_t address, uint64_t descriptor) {
  const SharedMatrix m = blackwell_matrix(descriptor, false);
  TensorMemory& t = tensor_memory_of(block);
  const uint32_t rows = uint32_t(op.mode[0]), words = uint32_t(op.mode[1]) / 4;
  const auto [lane, column] = tensor_address(address);
  for (uint32_t r = 0; r < rows; ++r)
    for (uint32_t c = 0; c < words; ++c) {
      uint32_t v;
      std::memcpy(&v, matrix_bytes(block, m.at(r, c, 4), 4), 4);
      if (op.mode[2] == 0) {
        t.at((lane + r) & 127, column + c) = v;
      } else if (rows == 32) {
        for (uint32_t q = 0; q < 4; ++q) t.at(r + 32 * q, column + c) = v;
      } else if (op.mode[2] == 1) {  // 02_13: rows 0-31 to quarters 0 and 2, rows 32-63 to 1 and 3
        for (uint32_t q = 0; q < 2; ++q) t.at(r % 32 + 32 * (r / 32) + 64 * q, column + c) = v;
      } else {  // 01_23: rows 0-31 to quarters 0 and 1
        for (uint32_t q = 0; q < 2; ++q) t.at(r % 32 + 64 * (r / 32) + 32 * q, column + c) = v;
      }
    }
}
void copy(Warp& w, const Op& op, uint32_t mask) {
  const int l = std::countr_zero(mask);
  const uint32_t address = w.reg<uint32_t>(op.a[0])[l] + uint32_t(op.imm);
  const uint64_t descriptor = w.reg<uint64_t>(op.a[1])[l];
  const SharedMatrix m = blackwell_matrix(descriptor, false);
  for (Block* b : tensor_group(w, op.mode[3])) {
    const uint32_t rows = uint32_t(op.mode[0]);
    check_columns(*b, tensor_address(address).column, uint32_t(op.mode[1]) / 4);
    if (Checker* c = checker_of(w)) {
      const Agent agent = c->agent(w, AgentKind::tensor_core);
      each_sixteen(m, 0, rows, uint32_t(op.mode[1]) / 4, 4, [&](uint32_t at) {
        matrix_bytes(*b, at, 16);
        c->async_access(w, op, l, agent, b, at - kSharedBase, 16, false);
      });
      touch_tensor(w, op, agent, *b, 0, rows == 4 ? 32 : 128, tensor_address(address).column,
                   uint32_t(op.mode[1]) / 4, true);
    }
    issue_tensor(w, op, l, [=, &op] { copy_rows(*b, op, address, descriptor); });
  }
}

// ---- completion ----

// a[0] = mbarrier, a[1] = block mask (mode[0]).
void commit(Warp& w, const Op& op, uint32_t mask) {
  const int l = std::countr_zero(mask);
  Launch* const launch = w.block->launch;
  const uint64_t address =
      (op.size[0] == 4 ? w.reg<uint32_t>(op.a[0])[l] : w.reg<uint64_t>(op.a[0])[l]) +
      uint64_t(op.imm);
  std::vector<SharedPlace> places;
  if (op.mode[0]) {
    const uint32_t blocks = w.reg<uint16_t>(op.a[1])[l];
    for (uint32_t r = 0; r < w.block->cluster->blocks.size(); ++r)
      if (blocks >> r & 1)
        places.push_back(shared_place(
            w, Space::cluster, uint64_t(r) << kRankShift | (address & kOffsetMask), 8, 8, l, true));
  } else {
    places.push_back(shared_place(w, op.space, address, 8, 8, l, true));
  }
  for (const SharedPlace& p : places) {
    mbarrier_in(p, l);
    if (Checker* c = checker_of(w))
      c->commit_to_mbarrier(w, AgentKind::tensor_core, *p.block, p.offset);
    issue(w, {.by = &w,
              .op = &op,
              .lane = uint32_t(l),
              .queue = tensor_queue(w),
              .target = p.block,
              .target_at = p.offset,
              .run = [=] { arrive(*launch, p, 1, false, l); }});
  }
  if (Checker* c = checker_of(w)) c->advance(w, AgentKind::tensor_core);
}
void nothing(Warp&, const Op&, uint32_t) {}

// ---- binding ----

void bind_transfer(Binder& b, Form& form, Op& op, bool loads) {
  if (!form.take("sync") || !form.take("aligned")) throw Unsupported("form");
  constexpr std::string_view kShapes[] = {"32x32b", "16x64b", "16x128b", "16x256b", "16x32bx2"};
  constexpr uint32_t kRegisters[] = {1, 1, 2, 4, 1}, kColumns[] = {1, 2, 4, 8, 1};
  op.mode[0] = -1;
  for (int s = 0; s < 5; ++s)
    if (form.take(kShapes[s])) op.mode[0] = s;
  if (op.mode[0] < 0) throw Unsupported("shape");
  uint32_t repeat = 0;
  for (uint32_t n = 1; n <= 128; n *= 2)
    if (form.take("x" + std::to_string(n))) repeat = n;
  op.mode[1] = form.take(loads ? "pack::16b" : "unpack::16b");
  if (op.mode[1] && op.mode[0] != k32x32b) throw Unsupported("packing of this shape");
  form.type();
  const Operand &place = b.operand(loads ? 1 : 0), &data = b.operand(b.operands() - 1);
  op.list = b.slots(loads ? b.operand(0) : data, Type::b32, loads);
  if (repeat == 0 || op.list.size() != repeat * kRegisters[op.mode[0]] / (op.mode[1] ? 1 : 1))
    throw Unsupported("number of registers");
  b.address(op, 0, place);
  if (op.mode[0] == k16x32bx2) op.mode[2] = int(b.operand(loads ? 2 : 1).bits);
  op.mode[3] = int(repeat * kColumns[op.mode[0]] * (op.mode[1] ? 2 : 1)) + op.mode[2];
  op.run = loads ? transfer<true> : transfer<false>;
  b.collective_all(op);
  b.kernel().tracks_registers = true;
}
void bind_copy(Binder& b, Form& form, Op& op, bool pair) {
  struct Row {
    const char *shape, *to;
    int rows, bytes, how;
  };
  constexpr Row kRows[] = {{"128x256b", "", 128, 32, 0},
                           {"4x256b", "", 4, 32, 0},
                           {"128x128b", "", 128, 16, 0},
                           {"64x128b", "warpx2::02_13", 64, 16, 1},
                           {"64x128b", "warpx2::01_23", 64, 16, 2},
                           {"32x128b", "warpx4", 32, 16, 3}};
  for (const Row& r : kRows) {
    const std::string& opcode = b.ins().opcode;
    if (opcode.find(r.shape) == opcode.npos || opcode.find(r.to) == opcode.npos) continue;
    if (opcode.find(std::string(".") + r.shape) == opcode.npos) continue;
    form.take(r.shape), form.take(r.to);
    op.mode = {r.rows, r.bytes, r.how, pair};
    b.address(op, 0, b.operand(0)), b.in(op, 1, b.operand(1), Type::b64);
    op.run = copy;
    return;
  }
  throw Unsupported("shape");
}
void bind_commit(Binder& b, Form& form, Op& op) {
  if (!form.take("mbarrier::arrive::one")) throw Unsupported("completion");
  op.space = form.take("shared::cluster") ? Space::cluster : Space::generic;
  op.mode[0] = form.take("multicast::cluster");
  form.take("b64");
  b.address(op, 0, b.operand(0));
  if (op.mode[0]) b.in(op, 1, b.operand(1), Type::b16);
  op.run = commit;
}

void bind_tcgen05(Binder& b, Form& form, Op& op) {
  const bool pair = form.take("cta_group::2");
  form.take("cta_group::1");
  if (form.take("mma")) return bind_tensor_mma(b, form, op, pair);
  if (form.take("ld")) return bind_transfer(b, form, op, true);
  if (form.take("st")) return bind_transfer(b, form, op, false);
  if (form.take("cp")) return bind_copy(b, form, op, pair);
  if (form.take("commit")) return bind_commit(b, form, op);
  const bool fence =
      form.take("fence::before_thread_sync") || form.take("fence::after_thread_sync");
  if (fence) {
    op.run = nothing;
    return;
  }
  b.collective_all(op);
  const bool loads = form.take("wait::ld"), stores = form.take("wait::st");
  const bool allocates = form.take("alloc"), releases = form.take("dealloc");
  const bool gives_up = form.take("relinquish_alloc_permit");
  if (!form.take("sync") || !form.take("aligned")) throw Unsupported("form");
  if (loads || stores) op.run = loads ? wait<true> : wait<false>;
  if (gives_up) op.run = relinquish;
  if (allocates) {
    op.space = form.take("shared::cta") ? Space::shared : Space::generic;
    b.address(op, 0, b.operand(0));
    op.run = allocate;
  }
  if (releases) b.in(op, 0, b.operand(0), Type::b32), op.run = release;
  if (allocates || releases) form.take("b32"), b.in(op, 1, b.operand(1), Type::b32);
}

constexpr OpcodeRow kRows[] = {{"tcgen05", bind_tcgen05}};

}  // namespace

std::span<const OpcodeRow> tcgen05_opcodes() { return kRows; }

}  // namespace ptxrun
