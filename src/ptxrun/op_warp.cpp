// Instructions in which the lanes of a warp meet: shuffles, votes, matches, reductions.
//
// All are Flow::collective: a[5] is the member mask, and the handler runs once per set of lanes
// that gave the same mask, when all of them are there.
#include <bit>

#include "bind.h"

namespace ptxrun {
namespace {

enum { kUp, kDown, kButterfly, kIndex };

// a: d, value, lane operand, clamp and segment mask; a[4] = predicate "in range" if mode[1].
template <int How>
void shuffle(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  uint32_t value[kLanes];
  std::memcpy(value, w.reg<uint32_t>(op.a[1]), sizeof value);
  const uint32_t *b = w.reg<uint32_t>(op.a[2]), *c = w.reg<uint32_t>(op.a[3]);
  uint32_t in_range = 0, stray = 0;
  uint32_t result[kLanes];
  each_lane(mask, [&](int l) {
    const uint32_t lane = uint32_t(l), segment = c[l] >> 8 & 31, clamp = c[l] & 31, n = b[l] & 31;
    const uint32_t top = (lane & segment) | (clamp & ~segment), low = lane & segment;
    uint32_t from;
    bool in;
    if (How == kUp) {
      from = lane - n, in = int(from) >= int(top);
    } else if (How == kDown) {
      from = lane + n, in = from <= top;
    } else if (How == kButterfly) {
      from = lane ^ n, in = from <= top;
    } else {
      from = low | (n & ~segment), in = from <= top;
    }
    if (!in) from = lane;
    if (!(mask >> (from & 31) & 1)) stray |= 1u << l;
    in_range |= uint32_t(in) << l;
    result[l] = value[from & 31];
  });
  each_lane(mask, [&](int l) { d[l] = result[l]; });
  if (op.mode[1]) w.set_pred(op.a[4], mask, in_range);
  if (stray)
    note(w, FaultKind::misuse, "a lane reads the register of a lane that does not take part",
         stray);
}
void bind_shfl(Binder& b, Form& form, Op& op) {
  if (!form.take("sync")) throw Unsupported("shuffle without .sync");
  const Handler handlers[] = {shuffle<kUp>, shuffle<kDown>, shuffle<kButterfly>, shuffle<kIndex>};
  const char* const names[] = {"up", "down", "bfly", "idx"};
  for (int i = 0; i < 4; ++i)
    if (form.take(names[i])) op.run = handlers[i];
  form.type();
  const Operand& out = b.operand(0);
  op.mode[1] = out.kind == Operand::Kind::pair;
  b.out(op, 0, op.mode[1] ? out.list[0] : out, Type::b32);
  if (op.mode[1]) b.out(op, 4, out.list[1], Type::pred);
  for (int i = 1; i < 4; ++i) b.in(op, i, b.operand(size_t(i)), Type::b32);
  b.in(op, 5, b.operand(4), Type::b32);
  op.flow = Flow::collective;
}

enum { kAllOf, kAnyOf, kUniform, kBallot };
void vote(Warp& w, const Op& op, uint32_t mask) {
  const uint32_t p = w.pred(op, 1) & mask;
  if (op.mode[0] == kBallot) {
    each_lane(mask, [&](int l) { w.reg<uint32_t>(op.a[0])[l] = p; });
    return;
  }
  const bool r = op.mode[0] == kAllOf   ? p == mask
                 : op.mode[0] == kAnyOf ? p != 0
                                        : p == 0 || p == mask;
  w.set_pred(op.a[0], mask, r ? kAll : 0);
}
void bind_vote(Binder& b, Form& form, Op& op) {
  if (!form.take("sync")) throw Unsupported("vote without .sync");
  const char* const names[] = {"all", "any", "uni", "ballot"};
  for (int i = 0; i < 4; ++i)
    if (form.take(names[i])) op.mode[0] = i;
  b.out(op, 0, b.operand(0), form.type());
  b.in_pred(op, 1, b.operand(1));
  b.in(op, 5, b.operand(2), Type::b32);
  op.run = vote, op.flow = Flow::collective;
}

// match.any: the lanes with the same value; match.all: all lanes, or none.
template <class T>
void match(Warp& w, const Op& op, uint32_t mask) {
  T value[kLanes];
  std::memcpy(value, w.reg<T>(op.a[1]), sizeof value);
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const T first = value[std::countr_zero(mask) & 31];  // mask is not 0
  uint32_t same_as_first = 0;
  each_lane(mask, [&](int l) { same_as_first |= uint32_t(value[l] == first) << l; });
  if (op.mode[0]) {
    const bool all = same_as_first == mask;
    each_lane(mask, [&](int l) { d[l] = all ? mask : 0; });
    if (op.mode[1]) w.set_pred(op.a[4], mask, all ? kAll : 0);
    return;
  }
  each_lane(mask, [&](int l) {
    uint32_t r = 0;
    each_lane(mask, [&](int k) { r |= uint32_t(value[k] == value[l]) << k; });
    d[l] = r;
  });
}
void bind_match(Binder& b, Form& form, Op& op) {
  op.mode[0] = form.take("all");
  if (!op.mode[0] && !form.take("any")) throw Unsupported("mode");
  if (!form.take("sync")) throw Unsupported("match without .sync");
  const Type t = form.type();
  const Operand& out = b.operand(0);
  op.mode[1] = out.kind == Operand::Kind::pair;
  b.out(op, 0, op.mode[1] ? out.list[0] : out, Type::b32);
  if (op.mode[1]) b.out(op, 4, out.list[1], Type::pred);
  b.in(op, 1, b.operand(1), t), b.in(op, 5, b.operand(2), Type::b32);
  op.run = size_of(t) == 8 ? match<uint64_t> : match<uint32_t>;
  op.flow = Flow::collective;
}

template <class T>
T reduce_step(int how, T a, T b) {
  switch (how) {
    case 0:
      return T(uint32_t(a) + uint32_t(b));
    case 1:
      return b < a ? b : a;
    case 2:
      return a < b ? b : a;
    case 3:
      return T(uint32_t(a) & uint32_t(b));
    case 4:
      return T(uint32_t(a) | uint32_t(b));
    default:
      return T(uint32_t(a) ^ uint32_t(b));
  }
}
template <class T>
void reduce(Warp& w, const Op& op, uint32_t mask) {
  const T* a = w.reg<T>(op.a[1]);
  const int first = std::countr_zero(mask);
  T r = a[first];
  each_lane(mask & (mask - 1), [&](int l) { r = reduce_step(op.mode[0], r, a[l]); });
  T* d = w.reg<T>(op.a[0]);
  each_lane(mask, [&](int l) { d[l] = r; });
}
// redux.f32: min and max; NaN is ignored unless .NaN (mode[1]); .abs (mode[2]) of the operands.
void reduce_float(Warp& w, const Op& op, uint32_t mask) {
  const float* a = w.reg<float>(op.a[1]);
  bool any = false, nan = false;
  float r = 0;
  each_lane(mask, [&](int l) {
    const float x =
        op.mode[2] ? std::bit_cast<float>(std::bit_cast<uint32_t>(a[l]) & 0x7fffffffu) : a[l];
    if (x != x) {
      nan = true;
    } else if (!any) {
      r = x, any = true;
    } else {
      r = op.mode[0] == 1 ? (x < r ? x : r) : (x > r ? x : r);
    }
  });
  const uint32_t bits = (op.mode[1] && nan) || !any ? 0x7fffffffu : std::bit_cast<uint32_t>(r);
  each_lane(mask, [&](int l) { w.reg<uint32_t>(op.a[0])[l] = bits; });
}
void bind_redux(Binder& b, Form& form, Op& op) {
  if (!form.take("sync")) throw Unsupported("redux without .sync");
  const char* const names[] = {"add", "min", "max", "and", "or", "xor"};
  op.mode[0] = -1;
  for (int i = 0; i < 6; ++i)
    if (form.take(names[i])) op.mode[0] = i;
  if (op.mode[0] < 0) throw Unsupported("operation");
  op.mode[2] = form.take("abs"), op.mode[1] = form.take("NaN");
  const Type t = form.type();
  if (t == Type::f32 && op.mode[0] != 1 && op.mode[0] != 2) throw Unsupported("operation");
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t), b.in(op, 5, b.operand(2), Type::b32);
  op.run = t == Type::f32 ? reduce_float : is_signed(t) ? reduce<int32_t> : reduce<uint32_t>;
  op.flow = Flow::collective;
}

// elect: the lowest lane is the leader. Which lane hardware elects is unspecified.
void elect(Warp& w, const Op& op, uint32_t mask) {
  const int leader = std::countr_zero(mask);
  each_lane(mask, [&](int l) { w.reg<uint32_t>(op.a[0])[l] = uint32_t(leader); });
  w.set_pred(op.a[1], mask, 1u << leader);
}
void bind_elect(Binder& b, Form& form, Op& op) {
  if (!form.take("sync")) throw Unsupported("elect without .sync");
  const Operand& out = b.operand(0);
  if (out.kind != Operand::Kind::pair) throw Unsupported("elect without a predicate");
  b.out(op, 0, out.list[0], Type::b32), b.out(op, 1, out.list[1], Type::pred);
  b.in(op, 5, b.operand(1), Type::b32);
  op.run = elect, op.flow = Flow::collective;
}

constexpr OpcodeRow kRows[] = {{"shfl", bind_shfl},
                               {"vote", bind_vote},
                               {"match", bind_match},
                               {"redux", bind_redux},
                               {"elect", bind_elect}};

}  // namespace

std::span<const OpcodeRow> warp_opcodes() { return kRows; }

}  // namespace ptxrun
