// Arithmetic of f32 and f64.
//
// Results are those of IEEE 754 in the rounding mode asked for. The .approx instructions, whose
// bits the PTX manual leaves open, give the correctly rounded value; hardware differs in the last
// places.
#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>

#include "bind.h"
#include "number.h"

namespace ptxrun {
namespace {

// mode[0]: flush subnormals to zero; mode[1]: clamp to [0, 1]; mode[2]: rounding; mode[3]: op's
// own.
enum { kFlush, kSaturate, kRounding, kOwn };

float flush(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.f, x) : x; }
double flush(double x) { return x; }

template <class T>
T finish(const Op& op, T r) {
  if (op.mode[kFlush]) r = flush(r);
  if (op.mode[kSaturate]) r = r > T(0) ? (r < T(1) ? r : T(1)) : T(0);  // NaN becomes +0
  if constexpr (sizeof(T) == 4)
    if (r != r) r = std::bit_cast<float>(0x7fffffffu);  // the one NaN that arithmetic produces
  return r;
}
template <class T>
T input(const Op& op, T x) {
  return op.mode[kFlush] ? flush(x) : x;
}

// The rounding direction of the processor while in scope.
class Rounding {
 public:
  explicit Rounding(int mode) : old_(std::fegetround()) {
    static constexpr int kModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    if (kModes[mode] != FE_TONEAREST) std::fesetround(kModes[mode]);
  }
  ~Rounding() { std::fesetround(old_); }

 private:
  int old_;
};
// Keeps the compiler from moving arithmetic across a change of the rounding direction.
template <class T>
T opaque(T x) {
  asm volatile("" : "+x"(x));
  return x;
}

// kPlain: neither .ftz nor .sat, which is most of what compilers emit.
template <class T, class F, bool kPlain>
T result(const Op& op, T a, T b, T c, F f) {
  if constexpr (!kPlain) return finish(op, f(input(op, a), input(op, b), input(op, c)));
  const T r = f(a, b, c);
  if constexpr (sizeof(T) == 4) return r != r ? std::bit_cast<float>(0x7fffffffu) : r;
  return r;
}
template <class T, class F, bool kPlain>
void unary(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  const auto f = [](T x, T, T) { return F{}(x); };
  each_value(mask, [&](int l) { d[l] = result<T, decltype(f), kPlain>(op, a[l], T(0), T(0), f); });
}
template <class T, class F, bool kPlain>
void binary(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  const auto f = [](T x, T y, T) { return F{}(x, y); };
  each_value(mask, [&](int l) { d[l] = result<T, decltype(f), kPlain>(op, a[l], b[l], T(0), f); });
}
template <class T, class F, bool kPlain>
void ternary(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]), *c = w.reg<T>(op.a[3]);
  each_value(mask, [&](int l) { d[l] = result<T, F, kPlain>(op, a[l], b[l], c[l], F{}); });
}
// The same in another rounding direction.
template <class T, class F>
void directed(Warp& w, const Op& op, uint32_t mask) {
  const Rounding scope(op.mode[kRounding]);
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]), *c = w.reg<T>(op.a[3]);
  each_lane(mask, [&](int l) {
    const T x = opaque(input(op, a[l])), y = opaque(input(op, b[l])), z = opaque(input(op, c[l]));
    d[l] = finish(op, opaque(F{}(x, y, z)));
  });
}

struct Add {
  template <class T>
  T operator()(T a, T b, T = 0) const {
    return a + b;
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b, T = 0) const {
    return a - b;
  }
};
struct Mul {
  template <class T>
  T operator()(T a, T b, T = 0) const {
    return a * b;
  }
};
struct Div {
  template <class T>
  T operator()(T a, T b, T = 0) const {
    return a / b;
  }
};
struct Rcp {
  template <class T>
  T operator()(T a, T = 0, T = 0) const {
    return T(1) / a;
  }
};
struct Sqrt {
  template <class T>
  T operator()(T a, T = 0, T = 0) const {
    return std::sqrt(a);
  }
};
struct FmaAny {
  template <class T>
  T operator()(T a, T b, T c) const {
    return std::fma(a, b, c);
  }
};
struct Fma {
  double operator()(double a, double b, double c) const { return std::fma(a, b, c); }
#ifdef __FMA__
  float operator()(float a, float b, float c) const { return std::fma(a, b, c); }
#else
  // The product is exact in double; rounding the sum twice differs from once only if the double
  // lies midway between two floats, or the result is subnormal.
  float operator()(float a, float b, float c) const {
    const double sum = double(a) * double(b) + double(c);
    const uint64_t bits = std::bit_cast<uint64_t>(sum);
    if ((bits & 0x0fffffff) == 0 || std::fabs(sum) < 0x1p-125) return std::fma(a, b, c);
    return float(sum);
  }
#endif
};
struct Rsqrt {
  template <class T>
  T operator()(T a) const {
    return T(1 / std::sqrt(double(a)));
  }
};
struct Sin {
  float operator()(float a) const { return float(std::sin(double(a))); }
};
struct Cos {
  float operator()(float a) const { return float(std::cos(double(a))); }
};
struct Lg2 {
  float operator()(float a) const { return float(std::log2(double(a))); }
};
struct Ex2 {
  float operator()(float a) const { return std::exp2(a); }
};
struct Tanh {
  float operator()(float a) const { return std::tanh(a); }
};
// rcp and rsqrt .approx.ftz.f64 give the upper 32 bits of the double only.
struct RcpHigh {
  double operator()(double a) const {
    if (std::fabs(a) < 0x1p-1022) a = std::copysign(0.0, a);
    return std::bit_cast<double>(std::bit_cast<uint64_t>(1 / a) & 0xffffffff00000000ull);
  }
};
struct RsqrtHigh {
  double operator()(double a) const {
    if (std::fabs(a) < 0x1p-1022) a = std::copysign(0.0, a);
    return std::bit_cast<double>(std::bit_cast<uint64_t>(1 / std::sqrt(a)) & 0xffffffff00000000ull);
  }
};
// NaN loses unless .NaN; -0 is less than +0.
template <class T>
T smaller(T a, T b) {
  if (a != a) return b;
  if (b != b) return a;
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
template <class T>
T with_sign_of_product(T r, T a, T b) {
  return std::signbit(a) != std::signbit(b) ? -std::fabs(r) : std::fabs(r);
}
// mode kOwn: bit 0 .NaN, bit 1 .xorsign.abs, bit 2 max, bit 3 a third operand
template <class T>
void extremum(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]), *c = w.reg<T>(op.a[3]);
  const int how = op.mode[kOwn];
  auto two = [&](T x, T y) {
    if ((how & 1) && (x != x || y != y)) return std::numeric_limits<T>::quiet_NaN();
    const T p = how & 2 ? std::fabs(x) : x, q = how & 2 ? std::fabs(y) : y;
    const T r = how & 4 ? -smaller(-p, -q) : smaller(p, q);
    return how & 2 ? with_sign_of_product(r, x, y) : r;
  };
  each_lane(mask, [&](int l) {
    T r = two(input(op, a[l]), input(op, b[l]));
    if (how & 8) r = two(r, input(op, c[l]));
    d[l] = finish(op, r);
  });
}

void modifiers(Form& form, Op& op) {
  op.mode[kFlush] = form.take("ftz");
  op.mode[kSaturate] = form.take("sat");
  const char* const names[] = {"rn", "rz", "rm", "rp"};
  for (int i = 0; i < 4; ++i)
    if (form.take(names[i])) op.mode[kRounding] = i;
}
Type operands(Binder& b, Form& form, Op& op, size_t count) {
  const Type t = form.type();
  if (t != Type::f32 && t != Type::f64) throw Unsupported("floating-point type");
  b.out(op, 0, b.operand(0), t);
  for (size_t i = 1; i <= count; ++i) b.in(op, int(i), b.operand(i), t);
  for (size_t i = count + 1; i < 4; ++i) b.set(op, int(i), b.constant(0, size_of(t)));
  return t;
}
// The handler of a type, for the modifiers in op.mode.
#define PTXRUN_PLAIN_OR_NOT(HANDLER, WIDE, F)                            \
  (op.mode[kFlush] || op.mode[kSaturate]                                 \
       ? ((WIDE) ? HANDLER<double, F, false> : HANDLER<float, F, false>) \
       : ((WIDE) ? HANDLER<double, F, true> : HANDLER<float, F, true>))

template <class F>
void bind_binary(Binder& b, Form& form, Op& op) {
  modifiers(form, op);
  const bool wide = operands(b, form, op, 2) == Type::f64;
  if (op.mode[kRounding])
    op.run = wide ? directed<double, F> : directed<float, F>;
  else
    op.run = PTXRUN_PLAIN_OR_NOT(binary, wide, F);
}
void bind_fma(Binder& b, Form& form, Op& op) {
  modifiers(form, op);
  const bool wide = operands(b, form, op, 3) == Type::f64;
  if (op.mode[kRounding])
    op.run = wide ? directed<double, FmaAny> : directed<float, FmaAny>;
  else
    op.run = PTXRUN_PLAIN_OR_NOT(ternary, wide, Fma);
}
void bind_div(Binder& b, Form& form, Op& op) {
  if (!form.take("approx")) form.take("full");
  bind_binary<Div>(b, form, op);
}
template <class F, class High>
void bind_root(Binder& b, Form& form, Op& op) {
  const bool approximate = form.take("approx");
  modifiers(form, op);
  const bool wide = operands(b, form, op, 1) == Type::f64;
  if (wide && approximate) {
    op.mode[kFlush] = 0;
    op.run = unary<double, High, false>;
  } else if (op.mode[kRounding]) {
    op.run = wide ? directed<double, F> : directed<float, F>;
  } else {
    op.run = PTXRUN_PLAIN_OR_NOT(unary, wide, F);
  }
}
void bind_rsqrt(Binder& b, Form& form, Op& op) {
  if (!form.take("approx")) throw Unsupported("exact rsqrt");
  const bool flushes = form.take("ftz");
  op.mode[kFlush] = flushes;
  const bool wide = operands(b, form, op, 1) == Type::f64;
  if (wide) op.mode[kFlush] = 0;
  op.run =
      wide && flushes ? unary<double, RsqrtHigh, false> : PTXRUN_PLAIN_OR_NOT(unary, wide, Rsqrt);
}
template <class F>
void bind_function(Binder& b, Form& form, Op& op) {
  if (!form.take("approx")) throw Unsupported("without .approx");
  op.mode[kFlush] = form.take("ftz");
  if (operands(b, form, op, 1) == Type::f64) throw Unsupported("double function");
  op.run = unary<float, F, false>;
}
template <bool Max>
void bind_extremum(Binder& b, Form& form, Op& op) {
  op.mode[kFlush] = form.take("ftz");
  op.mode[kOwn] = (form.take("NaN") ? 1 : 0) | (Max ? 4 : 0) | (b.operands() == 4 ? 8 : 0);
  if (form.take("xorsign")) {
    if (!form.take("abs")) throw Unsupported("xorsign without abs");
    op.mode[kOwn] |= 2;
  }
  op.run =
      operands(b, form, op, b.operands() - 1) == Type::f64 ? extremum<double> : extremum<float>;
}

// abs and neg touch the sign alone: NaNs pass.
template <class T, int How>
void sign_bit(Warp& w, const Op& op, uint32_t mask) {
  constexpr T kSign = T(1) << (8 * sizeof(T) - 1);
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  const T* b = w.reg<T>(op.a[2]);
  each_value(mask, [&](int l) {
    T x = a[l];
    if constexpr (sizeof(T) == 4)
      if (op.mode[kFlush]) x = std::bit_cast<T>(flush(std::bit_cast<float>(x)));
    d[l] = How == 0 ? x & ~kSign : How == 1 ? x ^ kSign : (x & kSign) | (b[l] & ~kSign);
  });
}
template <int How>
void bind_sign(Binder& b, Form& form, Op& op) {
  op.mode[kFlush] = form.take("ftz");
  const Type t = operands(b, form, op, How == 2 ? 2 : 1);
  op.run = t == Type::f64 ? sign_bit<uint64_t, How> : sign_bit<uint32_t, How>;
}

template <class T>
void test(Warp& w, const Op& op, uint32_t mask) {
  const T* a = w.reg<T>(op.a[1]);
  uint32_t r = 0;
  each_lane(mask, [&](int l) {
    const int c = std::fpclassify(a[l]);
    const bool yes = op.mode[kOwn] == 0   ? std::isfinite(a[l])
                     : op.mode[kOwn] == 1 ? c == FP_INFINITE
                     : op.mode[kOwn] == 2 ? c != FP_NAN
                     : op.mode[kOwn] == 3 ? c == FP_NAN
                     : op.mode[kOwn] == 4 ? c == FP_NORMAL
                                          : c == FP_SUBNORMAL;
    r |= uint32_t(yes) << l;
  });
  w.set_pred(op.a[0], mask, r);
}
void bind_testp(Binder& b, Form& form, Op& op) {
  const char* const names[] = {"finite", "infinite", "number", "notanumber", "normal", "subnormal"};
  op.mode[kOwn] = -1;
  for (int i = 0; i < 6; ++i)
    if (form.take(names[i])) op.mode[kOwn] = i;
  if (op.mode[kOwn] < 0) throw Unsupported("property");
  const Type t = form.type();
  b.out(op, 0, b.operand(0), Type::pred), b.in(op, 1, b.operand(1), t);
  op.run = t == Type::f64 ? test<double> : test<float>;
}

constexpr OpcodeRow kRows[] = {
    {"add", bind_binary<Add>},
    {"sub", bind_binary<Sub>},
    {"mul", bind_binary<Mul>},
    {"fma", bind_fma},
    {"mad", bind_fma},
    {"div", bind_div},
    {"rcp", bind_root<Rcp, RcpHigh>},
    {"sqrt", bind_root<Sqrt, Sqrt>},
    {"rsqrt", bind_rsqrt},
    {"sin", bind_function<Sin>},
    {"cos", bind_function<Cos>},
    {"lg2", bind_function<Lg2>},
    {"ex2", bind_function<Ex2>},
    {"tanh", bind_function<Tanh>},
    {"min", bind_extremum<false>},
    {"max", bind_extremum<true>},
    {"abs", bind_sign<0>},
    {"neg", bind_sign<1>},
    {"copysign", bind_sign<2>},
    {"testp", bind_testp},
};

}  // namespace

std::span<const OpcodeRow> float_opcodes() { return kRows; }

}  // namespace ptxrun
