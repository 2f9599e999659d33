// mov in all its forms, and addresses between state spaces.
#include "bind.h"
#include "memory.h"

namespace ptxrun {
namespace {

template <class T>
void move(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  each_value(mask, [&](int l) { d[l] = a[l]; });
}
struct Bytes16 {
  uint64_t low, high;
};

// list = the parts, a[0] = the whole: d = {x, y, ...} and the other way round. Little end first.
void pack(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    uint8_t whole[16];
    size_t at = 0;
    for (const Slot& s : op.list) {
      std::memcpy(whole + at, w.registers.data() + s.at + size_t(l) * s.size, s.size);
      at += s.size;
    }
    std::memcpy(w.registers.data() + op.a[0] + size_t(l) * op.size[0], whole, op.size[0]);
  });
}
void unpack(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    uint8_t whole[16];
    std::memcpy(whole, w.registers.data() + op.a[0] + size_t(l) * op.size[0], op.size[0]);
    size_t at = 0;
    for (const Slot& s : op.list) {
      std::memcpy(w.registers.data() + s.at + size_t(l) * s.size, whole + at, s.size);
      at += s.size;
    }
  });
}
// The same for two halves of a word, the usual case.
template <class Whole, class Part>
void unpack_two(Warp& w, const Op& op, uint32_t mask) {
  const Whole* s = w.reg<Whole>(op.a[0]);
  Part *low = w.reg<Part>(op.list[0].at), *high = w.reg<Part>(op.list[1].at);
  each_value(mask, [&](int l) {
    const Whole v = s[l];  // a part may be a piece of the whole's own register
    low[l] = Part(v), high[l] = Part(v >> 8 * sizeof(Part));
  });
}
template <class Whole, class Part>
void pack_two(Warp& w, const Op& op, uint32_t mask) {
  Whole* d = w.reg<Whole>(op.a[0]);
  const Part *low = w.reg<Part>(op.list[0].at), *high = w.reg<Part>(op.list[1].at);
  each_value(mask, [&](int l) { d[l] = Whole(low[l]) | Whole(high[l]) << 8 * sizeof(Part); });
}
Handler two_of(const Op& op, bool packs) {
  if (op.list.size() != 2 || op.list[0].size * 2 != op.size[0]) return nullptr;
  if (op.list[0].size == 2)
    return packs ? pack_two<uint32_t, uint16_t> : unpack_two<uint32_t, uint16_t>;
  if (op.list[0].size == 4)
    return packs ? pack_two<uint64_t, uint32_t> : unpack_two<uint64_t, uint32_t>;
  return nullptr;
}
Type part_of(Type whole, size_t parts) {
  const int bytes = size_of(whole) / int(parts);
  return bytes == 8 ? Type::b64 : bytes == 4 ? Type::b32 : bytes == 2 ? Type::b16 : Type::b8;
}

// Clocks tick with executed warp instructions: monotone, and of no other meaning.
template <class T>
void clock(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T now = T(w.block->launch->steps);
  each_lane(mask, [&](int l) { d[l] = now; });
}
void active_lanes(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  each_lane(mask, [&](int l) { d[l] = mask; });
}

void bind_mov(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  const Operand &to = b.operand(0), &from = b.operand(1);
  if (t == Type::pred) {
    b.out(op, 0, to, t), b.in_pred(op, 1, from);
    op.run = [](Warp& w, const Op& o, uint32_t m) { w.set_pred(o.a[0], m, w.pred(o, 1)); };
    return;
  }
  if (to.kind == Operand::Kind::list) {
    op.list = b.slots(to, part_of(t, to.list.size()), true);
    b.in(op, 0, from, t);
    const Handler two = two_of(op, false);
    op.run = two ? two : unpack;
    return;
  }
  if (from.kind == Operand::Kind::list) {
    op.list = b.slots(from, part_of(t, from.list.size()), false);
    b.out(op, 0, to, t);
    const Handler two = two_of(op, true);
    op.run = two ? two : pack;
    return;
  }
  b.out(op, 0, to, t);
  const int s = size_of(t);
  if (from.kind == Operand::Kind::special &&
      (from.name.rfind("%clock", 0) == 0 || from.name.rfind("%globaltimer", 0) == 0)) {
    op.run = s == 8 ? clock<uint64_t> : clock<uint32_t>;
    return;
  }
  b.in(op, 1, from, t);
  op.run = s == 2   ? move<uint16_t>
           : s == 4 ? move<uint32_t>
           : s == 8 ? move<uint64_t>
                    : move<Bytes16>;
  if (s == 1) throw Unsupported("8-bit move");
}
void bind_activemask(Binder& b, Form& form, Op& op) {
  form.type();
  b.out(op, 0, b.operand(0), Type::b32);
  op.run = active_lanes;
}

// cvta: imm = the window of the space; mode[0]: from generic to the space.
void change_space(Warp& w, const Op& op, uint32_t mask) {
  uint64_t* d = w.reg<uint64_t>(op.a[0]);
  const uint64_t* a = w.reg<uint64_t>(op.a[1]);
  const uint64_t delta = op.mode[0] ? 0 - uint64_t(op.imm) : uint64_t(op.imm);
  each_value(mask, [&](int l) { d[l] = a[l] + delta; });
}
int64_t window_of(const Memory& m, Space s) {
  return s == Space::shared || s == Space::cluster ? int64_t(m.shared_window())
         : s == Space::local                       ? int64_t(m.local_window())
         : s == Space::param                       ? int64_t(m.param_window())
                                                   : 0;
}
Space take_space(Form& form) {
  if (form.take("global")) return Space::global;
  if (form.take("const")) return Space::constant;
  if (form.take("shared") || form.take("shared::cta")) return Space::shared;
  if (form.take("shared::cluster")) return Space::cluster;
  if (form.take("local")) return Space::local;
  if (form.take("param") || form.take("param::entry")) return Space::param;
  throw Unsupported("state space");
}
void bind_cvta(Binder& b, Form& form, Op& op) {
  op.mode[0] = form.take("to");
  op.imm = window_of(b.memory(), take_space(form));
  const Type t = form.type();
  if (size_of(t) != 8) throw Unsupported("32-bit addresses");
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t);
  op.run = change_space;
}
// isspacep: imm = window, mode[0] = its size in units of 4 KiB; 0: global, which is all the rest.
// mode[1]: the block's own shared memory.
void is_space(Warp& w, const Op& op, uint32_t mask) {
  const Memory& m = *w.block->launch->memory;
  const uint64_t* a = w.reg<uint64_t>(op.a[1]);
  // the window of a block's own shared memory depends on its rank
  const uint64_t begin =
      uint64_t(op.imm) + (op.mode[1] ? uint64_t(w.block->rank) << kRankShift : 0);
  uint32_t r = 0;
  each_lane(mask, [&](int l) {
    const bool yes =
        op.mode[0] ? a[l] - begin < uint64_t(op.mode[0]) << 12 : m.find(a[l], 1) != nullptr;
    r |= uint32_t(yes) << l;
  });
  w.set_pred(op.a[0], mask, r);
}
void bind_isspacep(Binder& b, Form& form, Op& op) {
  const Space s = take_space(form);
  op.imm = window_of(b.memory(), s);
  const uint64_t bytes = s == Space::shared    ? uint64_t(1) << kRankShift
                         : s == Space::cluster ? kSharedWindowBytes
                         : s == Space::local   ? kLocalWindowBytes
                         : s == Space::param   ? kParamWindowBytes
                                               : 0;
  op.mode[1] = s == Space::shared;
  op.mode[0] = int32_t(bytes >> 12);
  b.out(op, 0, b.operand(0), Type::pred), b.in(op, 1, b.operand(1), Type::u64);
  op.run = is_space;
}

constexpr OpcodeRow kRows[] = {{"mov", bind_mov},
                               {"cvta", bind_cvta},
                               {"isspacep", bind_isspacep},
                               {"activemask", bind_activemask}};

}  // namespace

std::span<const OpcodeRow> move_opcodes() { return kRows; }

}  // namespace ptxrun
