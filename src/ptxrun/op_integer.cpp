// Integer arithmetic, logic, shifts and bit fields.
#include <bit>
#include <type_traits>

#include "bind.h"
#include "operators.h"

namespace ptxrun {
namespace {

template <class T>
using Wider = std::conditional_t<
    sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
    std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                       std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>>>;

template <class T, class F>
void unary(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  each_value(mask, [&](int l) { d[l] = F{}(a[l]); });
}
template <class T, class F>
void binary(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  each_value(mask, [&](int l) { d[l] = F{}(a[l], b[l]); });
}
template <class T, class F>
void ternary(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]), *c = w.reg<T>(op.a[3]);
  each_value(mask, [&](int l) { d[l] = F{}(a[l], b[l], c[l]); });
}

// The handler for each integer type. Bit types take the unsigned one.
#define PTXRUN_BY_TYPE(HANDLER, F)         \
  Handler HANDLER##_of(Type t, F) {        \
    switch (t) {                           \
      case Type::s16:                      \
        return HANDLER<int16_t, F>;        \
      case Type::u16:                      \
      case Type::b16:                      \
        return HANDLER<uint16_t, F>;       \
      case Type::s32:                      \
        return HANDLER<int32_t, F>;        \
      case Type::u32:                      \
      case Type::b32:                      \
        return HANDLER<uint32_t, F>;       \
      case Type::s64:                      \
        return HANDLER<int64_t, F>;        \
      case Type::u64:                      \
      case Type::b64:                      \
        return HANDLER<uint64_t, F>;       \
      default:                             \
        throw Unsupported("integer type"); \
    }                                      \
  }
#define PTXRUN_TEMPLATE_BY_TYPE(HANDLER) \
  template <class F>                     \
  PTXRUN_BY_TYPE(HANDLER, F)
PTXRUN_TEMPLATE_BY_TYPE(unary)
PTXRUN_TEMPLATE_BY_TYPE(binary)
PTXRUN_TEMPLATE_BY_TYPE(ternary)
#undef PTXRUN_TEMPLATE_BY_TYPE
#undef PTXRUN_BY_TYPE

// Wraparound is defined in PTX: computed in uint64_t, where it is in C++ too.
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return T(uint64_t(a) - uint64_t(b));
  }
};
struct MulLow {
  template <class T>
  T operator()(T a, T b) const {
    return T(uint64_t(a) * uint64_t(b));
  }
};
struct MulHigh {
  template <class T>
  T operator()(T a, T b) const {
    return T((Wider<T>(a) * Wider<T>(b)) >> (8 * sizeof(T)));
  }
};
struct MadLow {
  template <class T>
  T operator()(T a, T b, T c) const {
    return T(uint64_t(a) * uint64_t(b) + uint64_t(c));
  }
};
struct MadHigh {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add{}(MulHigh{}(a, b), c);
  }
};
struct Mul24 {
  template <class T>
  T operator()(T a, T b) const {
    return T(wide(a) * wide(b));
  }
  template <class T>
  static int64_t wide(T a) {
    return std::is_signed_v<T> ? int64_t(int32_t(uint32_t(a) << 8) >> 8) : int64_t(a & T(0xffffff));
  }
};
struct Mad24 {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add{}(Mul24{}(a, b), c);
  }
};
// Division by zero gives what the hardware gives: all ones.
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return T(-1);
    if (std::is_signed_v<T> && b == T(-1)) return Sub{}(T(0), a);
    return T(a / b);
  }
};
struct Rem {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return a;
    if (std::is_signed_v<T> && b == T(-1)) return 0;
    return T(a % b);
  }
};
struct Not {
  template <class T>
  T operator()(T a) const {
    return T(~a);
  }
};
struct CNot {
  template <class T>
  T operator()(T a) const {
    return T(a == 0);
  }
};
struct Neg {
  template <class T>
  T operator()(T a) const {
    return T(0 - uint64_t(a));
  }
};
struct Abs {
  template <class T>
  T operator()(T a) const {
    return a < 0 ? Neg{}(a) : a;
  }
};
struct Sad {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add{}(a < b ? Sub{}(b, a) : Sub{}(a, b), c);
  }
};

template <class F>
void bind_binary(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t);
  b.in(op, 1, b.operand(1), t);
  b.in(op, 2, b.operand(2), t);
  op.run = binary_of(t, F{});
}
template <class F>
void bind_unary(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t);
  b.in(op, 1, b.operand(1), t);
  op.run = unary_of(t, F{});
}

// a + b + carry in, with carry out: mode[0] = takes a carry, mode[1] = subtracts, mode[2] = sets
// it.
template <class T>
void add_carry(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  uint32_t& carry = *w.reg<uint32_t>(kCarrySlot);
  uint32_t out = 0;
  each_lane(mask, [&](int l) {
    using Wide = unsigned __int128;
    const Wide in = op.mode[0] ? carry >> l & 1 : 0;
    // a subtraction's carry flag is its borrow
    const Wide r = op.mode[1] ? Wide(a[l]) - Wide(b[l]) - in : Wide(a[l]) + Wide(b[l]) + in;
    out |= uint32_t(r >> (8 * sizeof(T)) & 1) << l;
    d[l] = T(r);
  });
  if (op.mode[2]) carry = (carry & ~mask) | out;
}
template <class T, bool High>
void mad_carry(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]), *c = w.reg<T>(op.a[3]);
  uint32_t& carry = *w.reg<uint32_t>(kCarrySlot);
  uint32_t out = 0;
  each_lane(mask, [&](int l) {
    using Wide = unsigned __int128;
    const Wide product = Wide(a[l]) * Wide(b[l]);
    const Wide sum = Wide(T(High ? product >> (8 * sizeof(T)) : product)) + c[l] +
                     (op.mode[0] ? carry >> l & 1 : 0);
    out |= uint32_t(sum >> (8 * sizeof(T)) & 1) << l;
    d[l] = T(sum);
  });
  if (op.mode[2]) carry = (carry & ~mask) | out;
}
template <bool Subtract>
void bind_carry(Binder& b, Form& form, Op& op, bool takes) {
  op.mode[1] = Subtract, op.mode[0] = takes, op.mode[2] = form.take("cc");
  const Type t = form.type();
  for (int i = 0; i < 3; ++i)
    i ? b.in(op, i, b.operand(size_t(i)), t) : b.out(op, i, b.operand(0), t);
  if (is_signed(t) && size_of(t) == 2) throw Unsupported("carry of a 16-bit type");
  op.run = size_of(t) == 4 ? add_carry<uint32_t> : add_carry<uint64_t>;
}

template <bool Subtract>
void saturated(Warp& w, const Op& op, uint32_t mask) {
  int32_t* d = w.reg<int32_t>(op.a[0]);
  const int32_t *a = w.reg<int32_t>(op.a[1]), *b = w.reg<int32_t>(op.a[2]);
  each_value(mask, [&](int l) {
    const int64_t r = Subtract ? int64_t(a[l]) - b[l] : int64_t(a[l]) + b[l];
    d[l] = int32_t(r < INT32_MIN ? INT32_MIN : r > INT32_MAX ? INT32_MAX : r);
  });
}

template <class T>
void mul_wide(Warp& w, const Op& op, uint32_t mask) {
  Wider<T>* d = w.reg<Wider<T>>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  each_value(mask, [&](int l) { d[l] = Wider<T>(a[l]) * Wider<T>(b[l]); });
}
template <class T>
void mad_wide(Warp& w, const Op& op, uint32_t mask) {
  using Wide = Wider<T>;
  Wide* d = w.reg<Wide>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  const Wide* c = w.reg<Wide>(op.a[3]);
  each_value(mask, [&](int l) { d[l] = Wide(uint64_t(Wide(a[l]) * Wide(b[l])) + uint64_t(c[l])); });
}
Type wider(Type t) {
  switch (t) {
    case Type::s16:
      return Type::s32;
    case Type::u16:
      return Type::u32;
    case Type::s32:
      return Type::s64;
    case Type::u32:
      return Type::u64;
    default:
      throw Unsupported("wide product of this type");
  }
}
Handler pick_wide(Type t, bool add) {
  switch (t) {
    case Type::s16:
      return add ? mad_wide<int16_t> : mul_wide<int16_t>;
    case Type::u16:
      return add ? mad_wide<uint16_t> : mul_wide<uint16_t>;
    case Type::s32:
      return add ? mad_wide<int32_t> : mul_wide<int32_t>;
    default:
      return add ? mad_wide<uint32_t> : mul_wide<uint32_t>;
  }
}

void bind_add(Binder& b, Form& form, Op& op) {
  if (b.ins().parts.size() > 2 && b.ins().parts[1] == "cc")
    return bind_carry<false>(b, form, op, false);
  if (form.take("sat")) {
    if (form.type() != Type::s32) throw Unsupported("saturation of this type");
    b.out(op, 0, b.operand(0), Type::s32), b.in(op, 1, b.operand(1), Type::s32),
        b.in(op, 2, b.operand(2), Type::s32);
    op.run = saturated<false>;
    return;
  }
  bind_binary<Add>(b, form, op);
}
void bind_sub(Binder& b, Form& form, Op& op) {
  if (b.ins().parts.size() > 2 && b.ins().parts[1] == "cc")
    return bind_carry<true>(b, form, op, false);
  if (form.take("sat")) {
    if (form.type() != Type::s32) throw Unsupported("saturation of this type");
    b.out(op, 0, b.operand(0), Type::s32), b.in(op, 1, b.operand(1), Type::s32),
        b.in(op, 2, b.operand(2), Type::s32);
    op.run = saturated<true>;
    return;
  }
  bind_binary<Sub>(b, form, op);
}
void bind_mul(Binder& b, Form& form, Op& op) {
  if (form.take("wide")) {
    const Type t = form.type();
    b.out(op, 0, b.operand(0), wider(t)), b.in(op, 1, b.operand(1), t),
        b.in(op, 2, b.operand(2), t);
    op.run = pick_wide(t, false);
    return;
  }
  if (form.take("hi")) return bind_binary<MulHigh>(b, form, op);
  if (!form.take("lo")) throw Unsupported("half of the product");
  bind_binary<MulLow>(b, form, op);
}
template <class F>
void bind_ternary(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t);
  for (int i = 1; i < 4; ++i) b.in(op, i, b.operand(size_t(i)), t);
  op.run = ternary_of(t, F{});
}
void bind_mad_carry(Binder& b, Form& form, Op& op, bool high, bool takes) {
  op.mode[0] = takes, op.mode[2] = form.take("cc");
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t);
  for (int i = 1; i < 4; ++i) b.in(op, i, b.operand(size_t(i)), t);
  if (high && is_signed(t)) throw Unsupported("signed high product with carry");
  if (size_of(t) == 4)
    op.run = high ? mad_carry<uint32_t, true> : mad_carry<uint32_t, false>;
  else
    op.run = high ? mad_carry<uint64_t, true> : mad_carry<uint64_t, false>;
}
void bind_mad(Binder& b, Form& form, Op& op) {
  if (form.take("wide")) {
    const Type t = form.type();
    b.out(op, 0, b.operand(0), wider(t)), b.in(op, 1, b.operand(1), t),
        b.in(op, 2, b.operand(2), t);
    b.in(op, 3, b.operand(3), wider(t));
    op.run = pick_wide(t, true);
    return;
  }
  const bool high = form.take("hi");
  if (!high && !form.take("lo")) throw Unsupported("half of the product");
  if (b.ins().parts.size() > 3 && b.ins().parts[2] == "cc")
    return bind_mad_carry(b, form, op, high, false);
  high ? bind_ternary<MadHigh>(b, form, op) : bind_ternary<MadLow>(b, form, op);
}
void bind_madc(Binder& b, Form& form, Op& op) {
  const bool high = form.take("hi");
  if (!high && !form.take("lo")) throw Unsupported("half of the product");
  bind_mad_carry(b, form, op, high, true);
}
void bind_mul24(Binder& b, Form& form, Op& op) {
  if (!form.take("lo")) throw Unsupported("half of the product");
  bind_binary<Mul24>(b, form, op);
}
void bind_mad24(Binder& b, Form& form, Op& op) {
  if (!form.take("lo")) throw Unsupported("half of the product");
  bind_ternary<Mad24>(b, form, op);
}

template <class F>
void bind_logic(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  if (t != Type::pred) {
    b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t), b.in(op, 2, b.operand(2), t);
    op.run = binary_of(t, F{});
    return;
  }
  b.out(op, 0, b.operand(0), t), b.in_pred(op, 1, b.operand(1)), b.in_pred(op, 2, b.operand(2));
  op.run = [](Warp& w, const Op& o, uint32_t m) {
    w.set_pred(o.a[0], m, F{}(w.pred(o, 1), w.pred(o, 2)));
  };
}
void bind_not(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t);
  if (t != Type::pred) {
    b.in(op, 1, b.operand(1), t);
    op.run = unary_of(t, Not{});
    return;
  }
  b.in_pred(op, 1, b.operand(1));
  op.run = [](Warp& w, const Op& o, uint32_t m) { w.set_pred(o.a[0], m, ~w.pred(o, 1)); };
}

constexpr OpcodeRow kRows[] = {
    {"add", bind_add},
    {"addc", [](Binder& b, Form& f, Op& o) { bind_carry<false>(b, f, o, true); }},
    {"sub", bind_sub},
    {"subc", [](Binder& b, Form& f, Op& o) { bind_carry<true>(b, f, o, true); }},
    {"mul", bind_mul},
    {"mad", bind_mad},
    {"madc", bind_madc},
    {"mul24", bind_mul24},
    {"mad24", bind_mad24},
    {"div", bind_binary<Div>},
    {"rem", bind_binary<Rem>},
    {"min", bind_binary<Min>},
    {"max", bind_binary<Max>},
    {"sad", bind_ternary<Sad>},
    {"abs", bind_unary<Abs>},
    {"neg", bind_unary<Neg>},
    {"cnot", bind_unary<CNot>},
    {"not", bind_not},
    {"and", bind_logic<And>},
    {"or", bind_logic<Or>},
    {"xor", bind_logic<Xor>},
};

}  // namespace

std::span<const OpcodeRow> integer_opcodes() { return kRows; }

}  // namespace ptxrun
