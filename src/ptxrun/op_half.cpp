// Arithmetic of f16 and bf16, one or two to a register, and of pairs of f32.
//
// Operands are exact in double; sums are rounded to odd there, so that the one rounding into the
// 16-bit format is the correct one.
#include <cmath>
#include <limits>

#include "bind.h"
#include "number.h"

namespace ptxrun {
namespace {

// mode[0]: .ftz, mode[1]: .sat, mode[2]: .relu, mode[3]: the operation's own
enum { kFlush, kSaturate, kRelu, kOwn };

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Add {
  static double of(const Op&, double a, double b, double) { return add_to_odd(a, b); }
};
struct Sub {
  static double of(const Op&, double a, double b, double) { return add_to_odd(a, -b); }
};
struct Mul {
  static double of(const Op&, double a, double b, double) { return a * b; }
};
struct Fma {
  static double of(const Op&, double a, double b, double c) { return add_to_odd(a * b, c); }
};
struct Ex2 {
  static double of(const Op&, double a, double, double) { return std::exp2(a); }
};
struct Tanh {
  static double of(const Op&, double a, double, double) { return std::tanh(a); }
};
// kOwn: bit 0 .NaN, bit 1 .xorsign.abs, bit 2 max
struct Extremum {
  static double of(const Op& op, double a, double b, double) {
    const int how = op.mode[kOwn];
    const bool negative = how & 2 && std::signbit(a) != std::signbit(b);
    if (how & 2) a = std::fabs(a), b = std::fabs(b);
    double r;
    if (std::isnan(a) || std::isnan(b)) {
      r = how & 1 ? kNan : std::isnan(a) ? b : a;
    } else if (a == b) {  // -0 is less than +0
      r = std::signbit(a) == bool(how & 4) ? b : a;
    } else {
      r = (a < b) == bool(how & 4) ? b : a;
    }
    return negative ? -r : r;
  }
};

template <const Format& F, class T, class Operation>
void narrow(Warp& w, const Op& op, uint32_t mask) {
  const double least = std::ldexp(1.0, 1 - F.bias);  // normal
  auto get = [&](T bits, size_t k) {
    const double v = decode(F, uint16_t(bits >> 8 * k));
    return op.mode[kFlush] && std::fabs(v) < least ? std::copysign(0.0, v) : v;
  };
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]), *c = w.reg<T>(op.a[3]);
  each_lane(mask, [&](int l) {
    T r = 0;
    for (size_t k = 0; k < sizeof(T); k += 2) {
      double v = Operation::of(op, get(a[l], k), get(b[l], k), get(c[l], k));
      if (op.mode[kSaturate]) v = v > 0 ? std::min(v, 1.0) : 0;
      if (op.mode[kRelu] && !(v > 0) && !std::isnan(v)) v = 0;
      uint32_t bits = encode(F, v);
      if (op.mode[kFlush] && std::fabs(decode(F, bits)) < least) bits &= F.sign();
      r |= T(bits) << 8 * k;
    }
    d[l] = r;
  });
}

template <class Operation>
Handler pick(Type t) {
  switch (t) {
    case Type::f16:
      return narrow<kF16, uint16_t, Operation>;
    case Type::f16x2:
      return narrow<kF16, uint32_t, Operation>;
    case Type::bf16:
      return narrow<kBf16, uint16_t, Operation>;
    case Type::bf16x2:
      return narrow<kBf16, uint32_t, Operation>;
    default:
      throw Unsupported("type");
  }
}
void operands(Binder& b, Op& op, Type t, size_t count) {
  b.out(op, 0, b.operand(0), t);
  for (size_t i = 1; i <= count; ++i) b.in(op, int(i), b.operand(i), t);
  for (size_t i = count + 1; i < 4; ++i) b.set(op, int(i), b.constant(0, size_of(t)));
}

// Two floats in a 64-bit register.
struct AddPair {
  static float of(float a, float b, float) { return a + b; }
};
struct SubPair {
  static float of(float a, float b, float) { return a - b; }
};
struct MulPair {
  static float of(float a, float b, float) { return a * b; }
};
struct FmaPair {
  static float of(float a, float b, float c) { return std::fma(a, b, c); }
};
template <class Operation>
void pair(Warp& w, const Op& op, uint32_t mask) {
  auto flush = [&](float x) {
    return op.mode[kFlush] && std::fabs(x) < 0x1p-126f ? std::copysign(0.f, x) : x;
  };
  float* d = w.reg<float>(op.a[0]);
  const float *a = w.reg<float>(op.a[1]), *b = w.reg<float>(op.a[2]), *c = w.reg<float>(op.a[3]);
  each_lane(mask, [&](int l) {
    for (int k = 2 * l; k < 2 * l + 2; ++k) {
      d[k] = flush(Operation::of(flush(a[k]), flush(b[k]), flush(c[k])));
      if (d[k] != d[k]) d[k] = std::bit_cast<float>(0x7fffffffu);
    }
  });
}

template <class Operation, class Pair, size_t Count>
void bind_arithmetic(Binder& b, Form& form, Op& op) {
  form.take("rn");
  op.mode[kFlush] = form.take("ftz");
  op.mode[kSaturate] = form.take("sat"), op.mode[kRelu] = form.take("relu");
  const Type t = form.type();
  operands(b, op, t, Count);
  op.run = t == Type::f32x2 ? pair<Pair> : pick<Operation>(t);
}
template <class Operation>
void bind_function(Binder& b, Form& form, Op& op) {
  if (!form.take("approx")) throw Unsupported("without .approx");
  op.mode[kFlush] = form.take("ftz");
  const Type t = form.type();
  operands(b, op, t, 1);
  op.run = pick<Operation>(t);
}
template <bool Max>
void bind_extremum(Binder& b, Form& form, Op& op) {
  op.mode[kFlush] = form.take("ftz");
  op.mode[kOwn] = (form.take("NaN") ? 1 : 0) | (Max ? 4 : 0);
  if (form.take("xorsign")) {
    if (!form.take("abs")) throw Unsupported("xorsign without abs");
    op.mode[kOwn] |= 2;
  }
  const Type t = form.type();
  operands(b, op, t, 2);
  op.run = pick<Extremum>(t);
}
// The sign alone; NaNs pass.
template <class T, bool Negate>
void sign(Warp& w, const Op& op, uint32_t mask) {
  constexpr T kSigns = T(0x80008000u);
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  each_lane(mask, [&](int l) { d[l] = Negate ? T(a[l] ^ kSigns) : T(a[l] & ~kSigns); });
}
template <bool Negate>
void bind_sign(Binder& b, Form& form, Op& op) {
  if (form.take("ftz")) throw Unsupported("flushing");
  const Type t = form.type();
  operands(b, op, t, 1);
  op.run = size_of(t) == 2 ? sign<uint16_t, Negate> : sign<uint32_t, Negate>;
}

constexpr OpcodeRow kRows[] = {
    {"add", bind_arithmetic<Add, AddPair, 2>},
    {"sub", bind_arithmetic<Sub, SubPair, 2>},
    {"mul", bind_arithmetic<Mul, MulPair, 2>},
    {"fma", bind_arithmetic<Fma, FmaPair, 3>},
    {"min", bind_extremum<false>},
    {"max", bind_extremum<true>},
    {"neg", bind_sign<true>},
    {"abs", bind_sign<false>},
    {"ex2", bind_function<Ex2>},
    {"tanh", bind_function<Tanh>},
};

}  // namespace

std::span<const OpcodeRow> half_opcodes() { return kRows; }

}  // namespace ptxrun
