// setp, set, selp, slct: comparison and selection.
#include <cmath>

#include "bind.h"
#include "number.h"

namespace ptxrun {
namespace {

// Comparisons by name; the unordered ones (suffix u) are true when an operand is NaN.
enum Compare { kEq, kNe, kLt, kLe, kGt, kGe, kEqu, kNeu, kLtu, kLeu, kGtu, kGeu, kNum, kNan };
constexpr std::string_view kNames[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
                                       "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};

// f(compare) with the comparison as a function of its own, so that a loop over lanes has no choice.
template <class F>
uint32_t with_comparison(int how, F&& f) {
  switch (how) {
    case kEq:
      return f([](auto a, auto b) { return a == b; });
    case kNe:
      return f([](auto a, auto b) { return a < b || a > b; });
    case kLt:
      return f([](auto a, auto b) { return a < b; });
    case kLe:
      return f([](auto a, auto b) { return a <= b; });
    case kGt:
      return f([](auto a, auto b) { return a > b; });
    case kGe:
      return f([](auto a, auto b) { return a >= b; });
    case kEqu:
      return f([](auto a, auto b) { return !(a < b || a > b); });
    case kNeu:
      return f([](auto a, auto b) { return !(a == b); });
    case kLtu:
      return f([](auto a, auto b) { return !(a >= b); });
    case kLeu:
      return f([](auto a, auto b) { return !(a > b); });
    case kGtu:
      return f([](auto a, auto b) { return !(a <= b); });
    case kGeu:
      return f([](auto a, auto b) { return !(a < b); });
    case kNum:
      return f([](auto a, auto b) { return a == a && b == b; });
    default:
      return f([](auto a, auto b) { return !(a == a && b == b); });
  }
}

// Bit l of the result is the low bit of byte l.
uint32_t gather_bits(const uint8_t (&bytes)[kLanes]) {
  uint32_t r = 0;
  for (int k = 0; k < kLanes; k += 8) {
    uint64_t eight;
    std::memcpy(&eight, bytes + k, 8);
    // byte i holds bit 0; the product moves it to bit 56 + i, and nothing else gets there
    r |= uint32_t((eight * 0x0102040810204080u) >> 56) << k;
  }
  return r;
}

// How the lanes of a slot are read.
struct HalfLanes {
  const uint16_t* p;
  float operator[](int l) const { return f16_value(p[l]); }
};
struct BrainLanes {
  const uint16_t* p;
  float operator[](int l) const { return bf16_value(p[l]); }
};
// The two halves of packed registers.
template <int Half>
struct HalfOf {
  const uint32_t* p;
  float operator[](int l) const { return f16_value(uint16_t(p[l] >> 16 * Half)); }
};
template <int Half>
struct BrainOf {
  const uint32_t* p;
  float operator[](int l) const { return bf16_value(uint16_t(p[l] >> 16 * Half)); }
};

template <class Lanes>
uint32_t compare_lanes(int how, uint32_t mask, bool flush, Lanes a, Lanes b) {
  return with_comparison(how, [&](auto test) {
    uint8_t yes[kLanes] = {};
    each_value(mask, [&](int l) {
      auto x = a[l], y = b[l];
      if constexpr (std::is_same_v<decltype(x), float>) {
        x = flush && std::fabs(x) < 0x1p-126f ? 0 : x;
        y = flush && std::fabs(y) < 0x1p-126f ? 0 : y;
      }
      yes[l] = uint8_t(test(x, y));
    });
    return gather_bits(yes);
  });
}
template <class T>
uint32_t compare_plain(Warp& w, const Op& op, int k, uint32_t mask) {
  return compare_lanes<const T*>(op.mode[0], mask, op.mode[2], w.reg<T>(op.a[size_t(k)]),
                                 w.reg<T>(op.a[size_t(k) + 1]));
}
template <class Lanes>
uint32_t compare_through(Warp& w, const Op& op, int k, uint32_t mask) {
  using P = std::remove_const_t<std::remove_pointer_t<decltype(Lanes::p)>>;
  return compare_lanes(op.mode[0], mask, false, Lanes{w.reg<P>(op.a[size_t(k)])},
                       Lanes{w.reg<P>(op.a[size_t(k) + 1])});
}

using Lanewise = uint32_t (*)(Warp&, const Op&, int, uint32_t);
struct Comparison {
  Lanewise low = nullptr, high = nullptr;  // high: second half of a packed type
};
Comparison comparison_of(Type t) {
  switch (t) {
    case Type::s16:
      return {compare_plain<int16_t>};
    case Type::u16:
    case Type::b16:
      return {compare_plain<uint16_t>};
    case Type::s32:
      return {compare_plain<int32_t>};
    case Type::u32:
    case Type::b32:
      return {compare_plain<uint32_t>};
    case Type::s64:
      return {compare_plain<int64_t>};
    case Type::u64:
    case Type::b64:
      return {compare_plain<uint64_t>};
    case Type::f32:
      return {compare_plain<float>};
    case Type::f64:
      return {compare_plain<double>};
    case Type::f16:
      return {compare_through<HalfLanes>};
    case Type::bf16:
      return {compare_through<BrainLanes>};
    case Type::f16x2:
      return {compare_through<HalfOf<0>>, compare_through<HalfOf<1>>};
    case Type::bf16x2:
      return {compare_through<BrainOf<0>>, compare_through<BrainOf<1>>};
    default:
      throw Unsupported("comparison of this type");
  }
}
int take_comparison(Form& form) {
  for (int i = 0; i < 14; ++i)
    if (form.take(kNames[i])) return i;
  // lo, ls, hi, hs: the unsigned spellings
  const std::pair<std::string_view, int> unsigned_names[] = {
      {"lo", kLt}, {"ls", kLe}, {"hi", kGt}, {"hs", kGe}};
  for (auto [name, how] : unsigned_names)
    if (form.take(name)) return how;
  throw Unsupported("comparison");
}
uint32_t combine(int how, uint32_t p, uint32_t c) {
  return how == 1 ? p & c : how == 2 ? p | c : how == 3 ? p ^ c : p;
}
int take_boolean(Form& form) {
  return form.take("and") ? 1 : form.take("or") ? 2 : form.take("xor") ? 3 : 0;
}

// a: p, q, x, y, c. The two outputs of a packed type are its halves; else q is the negation of p,
// before both are combined with c.
template <class T>
struct Setp {
  static void run(Warp& w, const Op& op, uint32_t mask) {
    static const Comparison of = comparison_of(T::type);
    const uint32_t r = of.low(w, op, 2, mask);
    const uint32_t r2 = of.high ? of.high(w, op, 2, mask) : ~r;
    const uint32_t c = op.mode[1] ? w.pred(op, 4) : 0;
    w.set_pred(op.a[0], mask, combine(op.mode[1], r, c));
    if (op.mode[3]) w.set_pred(op.a[1], mask, combine(op.mode[1], r2, c));
  }
};
template <Type Value>
struct As {
  static constexpr Type type = Value;
};
template <template <class> class H>
Handler by_type(Type t) {
  switch (t) {
    case Type::s16:
      return H<As<Type::s16>>::run;
    case Type::u16:
    case Type::b16:
      return H<As<Type::u16>>::run;
    case Type::s32:
      return H<As<Type::s32>>::run;
    case Type::u32:
    case Type::b32:
      return H<As<Type::u32>>::run;
    case Type::s64:
      return H<As<Type::s64>>::run;
    case Type::u64:
    case Type::b64:
      return H<As<Type::u64>>::run;
    case Type::f32:
      return H<As<Type::f32>>::run;
    case Type::f64:
      return H<As<Type::f64>>::run;
    case Type::f16:
      return H<As<Type::f16>>::run;
    case Type::bf16:
      return H<As<Type::bf16>>::run;
    case Type::f16x2:
      return H<As<Type::f16x2>>::run;
    case Type::bf16x2:
      return H<As<Type::bf16x2>>::run;
    default:
      throw Unsupported("comparison of this type");
  }
}

void bind_setp(Binder& b, Form& form, Op& op) {
  op.mode[0] = take_comparison(form);
  op.mode[1] = take_boolean(form);
  op.mode[2] = form.take("ftz");
  const Type t = form.type();
  const Operand& out = b.operand(0);
  op.mode[3] = out.kind == Operand::Kind::pair;
  b.out(op, 0, op.mode[3] ? out.list[0] : out, Type::pred);
  if (op.mode[3]) b.out(op, 1, out.list[1], Type::pred);
  b.in(op, 2, b.operand(1), t), b.in(op, 3, b.operand(2), t);
  if (op.mode[1]) b.in_pred(op, 4, b.operand(3));
  op.run = by_type<Setp>(t);
}

// set: like setp, but the result is 1.0 or all ones. imm: that pattern; a: d, -, x, y, c.
template <class T>
struct Set {
  static void run(Warp& w, const Op& op, uint32_t mask) {
    static const Comparison of = comparison_of(T::type);
    const uint32_t c = op.mode[1] ? w.pred(op, 4) : 0;
    const uint32_t r = combine(op.mode[1], of.low(w, op, 2, mask), c);
    if (of.high) {
      const uint32_t r2 = combine(op.mode[1], of.high(w, op, 2, mask), c), one = uint32_t(op.imm);
      each_lane(mask, [&](int l) {
        w.reg<uint32_t>(op.a[0])[l] =
            (r >> l & 1 ? one & 0xffff : 0) | (r2 >> l & 1 ? one & 0xffff0000 : 0);
      });
    } else if (op.size[0] == 2) {
      each_lane(mask,
                [&](int l) { w.reg<uint16_t>(op.a[0])[l] = r >> l & 1 ? uint16_t(op.imm) : 0; });
    } else {
      each_lane(mask,
                [&](int l) { w.reg<uint32_t>(op.a[0])[l] = r >> l & 1 ? uint32_t(op.imm) : 0; });
    }
  }
};
void bind_set(Binder& b, Form& form, Op& op) {
  op.mode[0] = take_comparison(form);
  op.mode[1] = take_boolean(form);
  op.mode[2] = form.take("ftz");
  const Type to = form.type(), from = form.type();
  switch (to) {
    case Type::f32:
      op.imm = 0x3f800000;
      break;
    case Type::f16:
      op.imm = 0x3c00;
      break;
    case Type::bf16:
      op.imm = 0x3f80;
      break;
    case Type::f16x2:
      op.imm = 0x3c003c00;
      break;
    case Type::bf16x2:
      op.imm = 0x3f803f80;
      break;
    case Type::u32:
    case Type::s32:
    case Type::u16:
    case Type::s16:
      op.imm = 0xffffffff;
      break;
    default:
      throw Unsupported("result type");
  }
  b.out(op, 0, b.operand(0), to);
  b.in(op, 2, b.operand(1), from), b.in(op, 3, b.operand(2), from);
  if (op.mode[1]) b.in_pred(op, 4, b.operand(3));
  op.run = by_type<Set>(from);
}

template <class T>
void select(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  const uint32_t p = w.pred(op, 3);
  each_value(mask, [&](int l) { d[l] = p >> l & 1 ? a[l] : b[l]; });
}
void bind_selp(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t), b.in(op, 2, b.operand(2), t);
  b.in_pred(op, 3, b.operand(3));
  const int s = size_of(t);
  op.run = s == 2 ? select<uint16_t> : s == 4 ? select<uint32_t> : select<uint64_t>;
}
// slct: a if c >= 0 else b. mode[0]: c is a float (NaN selects b).
template <class T>
void select_sign(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  each_value(mask, [&](int l) {
    const bool first = op.mode[0] ? w.reg<float>(op.a[3])[l] >= 0 : w.reg<int32_t>(op.a[3])[l] >= 0;
    d[l] = first ? a[l] : b[l];
  });
}
void bind_slct(Binder& b, Form& form, Op& op) {
  if (form.take("ftz")) throw Unsupported("flushing");
  const Type t = form.type(), by = form.type();
  if (by != Type::s32 && by != Type::f32) throw Unsupported("selector type");
  op.mode[0] = by == Type::f32;
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t), b.in(op, 2, b.operand(2), t);
  b.in(op, 3, b.operand(3), by);
  const int s = size_of(t);
  op.run = s == 2 ? select_sign<uint16_t> : s == 4 ? select_sign<uint32_t> : select_sign<uint64_t>;
}

constexpr OpcodeRow kRows[] = {
    {"setp", bind_setp}, {"set", bind_set}, {"selp", bind_selp}, {"slct", bind_slct}};

}  // namespace

std::span<const OpcodeRow> compare_opcodes() { return kRows; }

}  // namespace ptxrun
