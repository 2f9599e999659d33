// atom and red: read, modify, write in one step.
#include <bit>
#include <cmath>

#include "access.h"
#include "bind.h"
#include "number.h"
#include "operators.h"

namespace ptxrun {
namespace {

struct Exchange {
  template <class T>
  T operator()(T, T b) const {
    return b;
  }
};

void describe(Access& a, const Op& op, uint32_t bytes) {
  a.bytes = bytes, a.write = true, a.atomic = true, a.order = Order(op.mode[0]);
}

// a[0] = old value (a scratch slot for red), a[1] = address, a[2] = operand, a[3] = new value of
// cas. Lanes that hit one address take turns in lane order.
template <class T, class F>
void update(Warp& w, const Op& op, uint32_t mask) {
  Access a;
  describe(a, op, sizeof(T));
  locate(w, op, mask, 1, a);
  T* d = w.reg<T>(op.a[0]);
  const T* b = w.reg<T>(op.a[2]);
  bool changed = false;
  each_lane(mask, [&](int l) {
    T old;
    std::memcpy(&old, a.data[l], sizeof old);
    const T fresh = F{}(old, b[l]);
    changed |= std::memcmp(&fresh, &old, sizeof old) != 0;
    std::memcpy(a.data[l], &fresh, sizeof fresh);
    d[l] = old;
  });
  if (changed) ++w.block->launch->progress;
}
template <class T>
void swap_if_equal(Warp& w, const Op& op, uint32_t mask) {
  Access a;
  describe(a, op, sizeof(T));
  locate(w, op, mask, 1, a);
  T* d = w.reg<T>(op.a[0]);
  const T *expected = w.reg<T>(op.a[2]), *fresh = w.reg<T>(op.a[3]);
  bool changed = false;
  each_lane(mask, [&](int l) {
    T old;
    std::memcpy(&old, a.data[l], sizeof old);
    if (old == expected[l]) {
      changed |= old != fresh[l];
      std::memcpy(a.data[l], &fresh[l], sizeof(T));
    }
    d[l] = old;
  });
  if (changed) ++w.block->launch->progress;
}

template <class F>
Handler integers(Type t) {
  switch (t) {
    case Type::u32:
    case Type::b32:
      return update<uint32_t, F>;
    case Type::s32:
      return update<int32_t, F>;
    case Type::u64:
    case Type::b64:
      return update<uint64_t, F>;
    case Type::s64:
      return update<int64_t, F>;
    default:
      throw Unsupported("type");
  }
}
template <uint16_t (*Half)(uint16_t, uint16_t), uint16_t (*Brain)(uint16_t, uint16_t)>
Handler narrow(Type t) {
  switch (t) {
    case Type::f16:
      return update<uint16_t, Halves<uint16_t, Half>>;
    case Type::bf16:
      return update<uint16_t, Halves<uint16_t, Brain>>;
    case Type::f16x2:
      return update<uint32_t, Halves<uint32_t, Half>>;
    case Type::bf16x2:
      return update<uint32_t, Halves<uint32_t, Brain>>;
    default:
      return nullptr;
  }
}
using H = Narrow<kF16>;
using B = Narrow<kBf16>;

Handler take_operation(Form& form, Type t) {
  if (form.take("add")) {
    if (t == Type::f32) return update<float, Add>;
    if (t == Type::f64) return update<double, Add>;
    if (Handler h = narrow<H::add, B::add>(t)) return h;
    return integers<Add>(t);
  }
  if (form.take("min")) {
    if (Handler h = narrow<H::lower, B::lower>(t)) return h;
    return integers<Min>(t);
  }
  if (form.take("max")) {
    if (Handler h = narrow<H::upper, B::upper>(t)) return h;
    return integers<Max>(t);
  }
  if (form.take("and")) return integers<And>(t);
  if (form.take("or")) return integers<Or>(t);
  if (form.take("xor")) return integers<Xor>(t);
  if (form.take("exch")) return integers<Exchange>(t);
  if (form.take("inc")) return integers<Increase>(t);
  if (form.take("dec")) return integers<Decrease>(t);
  if (form.take("cas"))
    return size_of(t) == 2   ? swap_if_equal<uint16_t>
           : size_of(t) == 4 ? swap_if_equal<uint32_t>
                             : swap_if_equal<uint64_t>;
  throw Unsupported("operation");
}

template <bool Returns>
void bind_atomic(Binder& b, Form& form, Op& op) {
  Order order = Order::relaxed;
  if (form.take("acquire")) order = Order::acquire;
  if (form.take("release")) order = Order::release;
  if (form.take("acq_rel")) order = Order::acquire_release;
  form.take("relaxed");
  op.mode[0] = int(order);
  form.take_any({"cta", "cluster", "gpu", "sys", "noftz"});
  while (!form.take_prefix("L2::").empty() || !form.take_prefix("L1::").empty()) {
  }
  op.space = form.take("global")                               ? Space::global
             : form.take("shared") || form.take("shared::cta") ? Space::shared
             : form.take("shared::cluster")                    ? Space::cluster
                                                               : Space::generic;
  const bool cas = b.ins().opcode.find(".cas") != std::string::npos;
  const Type t = form.type();
  if (t == Type::b128) throw Unsupported("128-bit atomics");
  op.run = take_operation(form, t);
  const size_t first = Returns ? 1 : 0;
  if (Returns)
    b.out(op, 0, b.operand(0), t);
  else
    b.set(op, 0, b.fresh(size_of(t)));
  b.address(op, 1, b.operand(first));
  b.in(op, 2, b.operand(first + 1), t);
  if (cas) b.in(op, 3, b.operand(first + 2), t);
}

constexpr OpcodeRow kRows[] = {{"atom", bind_atomic<true>}, {"red", bind_atomic<false>}};

}  // namespace

std::span<const OpcodeRow> atomic_opcodes() { return kRows; }

}  // namespace ptxrun
