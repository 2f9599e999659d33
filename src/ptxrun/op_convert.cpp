// cvt: between integers, floating-point types and packed pairs of narrow ones.
#include <cmath>
#include <limits>

#include "bind.h"
#include "number.h"
#include "packed.h"

namespace ptxrun {
namespace {

// mode[0]: rounding to an integer or a format (Round), mode[1]: .sat, mode[2]: .ftz, mode[3]: .relu
enum { kRounding, kSaturate, kFlush, kRelu };

// Registers may be wider than the type: the source's low bytes are read, the result is extended.
template <class T>
T read(Warp& w, const Op& op, int k, int lane) {
  T v;
  std::memcpy(&v, w.registers.data() + op.a[size_t(k)] + size_t(lane) * op.size[size_t(k)],
              sizeof v);
  return v;
}
template <class T>
void write(Warp& w, const Op& op, int lane, T value) {
  const int64_t extended = int64_t(value);
  std::memcpy(w.registers.data() + op.a[0] + size_t(lane) * op.size[0], &extended, op.size[0]);
}

template <class D, class S>
void saturated(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    using Wide = __int128;
    constexpr Wide low = std::numeric_limits<D>::min(), high = std::numeric_limits<D>::max();
    const Wide s = read<S>(w, op, 1, l);
    write(w, op, l, D(s < low ? low : s > high ? high : s));
  });
}
// Without saturation: the low bits of the source's register, extended as its type says, then cut
// and extended as the result's type says. mode[kRounding], mode[kFlush]: by how much to shift for
// that.
template <class Wide, class DR, class SR, bool DSigned, bool SSigned>
void integer(Warp& w, const Op& op, uint32_t mask) {
  using Unsigned = std::make_unsigned_t<Wide>;
  const int cut = op.mode[kRounding], extend = op.mode[kFlush];
  DR* d = w.reg<DR>(op.a[0]);
  const SR* s = w.reg<SR>(op.a[1]);
  each_value(mask, [&](int l) {
    Unsigned v = Unsigned(s[l]) << cut;
    v = SSigned ? Unsigned(Wide(v) >> cut) : v >> cut;
    v <<= extend;
    d[l] = DR(DSigned ? Unsigned(Wide(v) >> extend) : v >> extend);
  });
}
template <class Wide, class DR, class SR>
Handler integer_signs(bool d, bool s) {
  return d ? (s ? integer<Wide, DR, SR, true, true> : integer<Wide, DR, SR, true, false>)
           : (s ? integer<Wide, DR, SR, false, true> : integer<Wide, DR, SR, false, false>);
}
template <class DR, class SR>
Handler integer_plain(Op& op, Type to, Type from) {
  using Wide = std::conditional_t<sizeof(DR) == 8 || sizeof(SR) == 8, int64_t, int32_t>;
  op.mode[kRounding] = 8 * int(sizeof(Wide)) - 8 * size_of(from);
  op.mode[kFlush] = 8 * int(sizeof(Wide)) - 8 * size_of(to);
  return integer_signs<Wide, DR, SR>(is_signed(to), is_signed(from));
}
template <class DR>
Handler integer_into(Op& op, Type to, Type from) {
  switch (op.size[1]) {
    case 1:
      return integer_plain<DR, uint8_t>(op, to, from);
    case 2:
      return integer_plain<DR, uint16_t>(op, to, from);
    case 4:
      return integer_plain<DR, uint32_t>(op, to, from);
    default:
      return integer_plain<DR, uint64_t>(op, to, from);
  }
}
Handler integer_unsaturated(Op& op, Type to, Type from) {
  switch (op.size[0]) {
    case 1:
      return integer_into<uint8_t>(op, to, from);
    case 2:
      return integer_into<uint16_t>(op, to, from);
    case 4:
      return integer_into<uint32_t>(op, to, from);
    default:
      return integer_into<uint64_t>(op, to, from);
  }
}
template <class D>
Handler saturated_from(Type from) {
  switch (from) {
    case Type::s8:
      return saturated<D, int8_t>;
    case Type::u8:
    case Type::b8:
      return saturated<D, uint8_t>;
    case Type::s16:
      return saturated<D, int16_t>;
    case Type::u16:
    case Type::b16:
      return saturated<D, uint16_t>;
    case Type::s32:
      return saturated<D, int32_t>;
    case Type::u32:
    case Type::b32:
      return saturated<D, uint32_t>;
    case Type::s64:
      return saturated<D, int64_t>;
    default:
      return saturated<D, uint64_t>;
  }
}
Handler saturated_to(Type to, Type from) {
  switch (to) {
    case Type::s8:
      return saturated_from<int8_t>(from);
    case Type::u8:
    case Type::b8:
      return saturated_from<uint8_t>(from);
    case Type::s16:
      return saturated_from<int16_t>(from);
    case Type::u16:
    case Type::b16:
      return saturated_from<uint16_t>(from);
    case Type::s32:
      return saturated_from<int32_t>(from);
    case Type::u32:
    case Type::b32:
      return saturated_from<uint32_t>(from);
    case Type::s64:
      return saturated_from<int64_t>(from);
    default:
      return saturated_from<uint64_t>(from);
  }
}

// Every floating-point source is exact in double.
double to_double(Warp& w, const Op& op, Type t, int k, int lane) {
  switch (t) {
    case Type::f16:
      return f16_value(read<uint16_t>(w, op, k, lane));
    case Type::bf16:
      return bf16_value(read<uint16_t>(w, op, k, lane));
    case Type::f32: {
      const float f = read<float>(w, op, k, lane);
      return op.mode[kFlush] && std::fabs(f) < 0x1p-126f ? std::copysign(0.f, f) : f;
    }
    default:
      return read<double>(w, op, k, lane);
  }
}
float round_to_float(double v, Round mode) {
  const float nearest = float(v);
  if (mode == Round::nearest || double(nearest) == v || std::isnan(v)) return nearest;
  const float infinity = std::numeric_limits<float>::infinity();
  if (mode == Round::zero) mode = v > 0 ? Round::down : Round::up;
  if (mode == Round::down)
    return double(nearest) > v ? std::nextafter(nearest, -infinity) : nearest;
  return double(nearest) < v ? std::nextafter(nearest, infinity) : nearest;
}
// A double to a floating-point type.
void from_double(Warp& w, const Op& op, Type t, int lane, double v) {
  const Round mode = Round(op.mode[kRounding]);
  if (op.mode[kSaturate]) v = v > 0 ? (v < 1 ? v : 1) : 0;
  if (op.mode[kRelu] && v < 0) v = 0;
  switch (t) {
    case Type::f16:
      return write(w, op, lane, to_f16(v, mode));
    case Type::bf16:
      return write(w, op, lane, to_bf16(v, mode));
    case Type::f32: {
      float f = round_to_float(v, mode);
      if (op.mode[kFlush] && std::fabs(f) < 0x1p-126f) f = std::copysign(0.f, f);
      return write(w, op, lane, std::isnan(f) ? 0x7fffffffu : std::bit_cast<uint32_t>(f));
    }
    default:
      return write(w, op, lane, std::bit_cast<uint64_t>(v));
  }
}

// Out-of-range values and infinities clamp; NaN becomes 0, and in the 64-bit types the lowest
// value.
template <class T>
T clamp_to(double v) {
  if (std::isnan(v)) return sizeof(T) == 8 ? T(uint64_t(1) << 63) : T(0);
  const double low = double(std::numeric_limits<T>::min());
  const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);  // one beyond the maximum
  if (v <= low) return std::numeric_limits<T>::min();
  return v >= high ? std::numeric_limits<T>::max() : T(v);
}

template <Type To, Type From>
void convert(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    if constexpr (is_float(From) && is_float(To)) {
      double v = to_double(w, op, From, 1, l);
      if (op.imm) v = round_to_integer(v, Round(op.imm - 1));
      from_double(w, op, To, l, v);
    } else if constexpr (is_float(From)) {
      const double v = round_to_integer(to_double(w, op, From, 1, l), Round(op.mode[kRounding]));
      switch (To) {
        case Type::s8:
          return write(w, op, l, clamp_to<int8_t>(v));
        case Type::u8:
          return write(w, op, l, clamp_to<uint8_t>(v));
        case Type::s16:
          return write(w, op, l, clamp_to<int16_t>(v));
        case Type::u16:
          return write(w, op, l, clamp_to<uint16_t>(v));
        case Type::s32:
          return write(w, op, l, clamp_to<int32_t>(v));
        case Type::u32:
          return write(w, op, l, clamp_to<uint32_t>(v));
        case Type::s64:
          return write(w, op, l, clamp_to<int64_t>(v));
        default:
          return write(w, op, l, clamp_to<uint64_t>(v));
      }
    } else {
      // An integer of 64 bits need not be exact in double: what is cut off is kept as a sticky bit,
      // ten places below the last that any narrower format looks at.
      auto exact = [](auto x) {
        const double high = double(x >> 11) * 2048.0;
        return add_to_odd(high, double(x & 2047));
      };
      const Round mode = Round(op.mode[kRounding]);
      auto wide = [&](auto x) {
        if (To != Type::f64) return from_double(w, op, To, l, exact(x));
        double d = double(x);  // correctly rounded to nearest
        if (mode != Round::nearest && __int128(d) != __int128(x)) {
          const bool above = __int128(d) > __int128(x);
          const bool want_above = mode == Round::up || (mode == Round::zero && x < 0);
          if (above != want_above) d = std::nextafter(d, above ? -INFINITY : INFINITY);
        }
        from_double(w, op, To, l, d);
      };
      switch (From) {
        case Type::s8:
          return from_double(w, op, To, l, read<int8_t>(w, op, 1, l));
        case Type::u8:
          return from_double(w, op, To, l, read<uint8_t>(w, op, 1, l));
        case Type::s16:
          return from_double(w, op, To, l, read<int16_t>(w, op, 1, l));
        case Type::u16:
          return from_double(w, op, To, l, read<uint16_t>(w, op, 1, l));
        case Type::s32:
          return from_double(w, op, To, l, read<int32_t>(w, op, 1, l));
        case Type::u32:
          return from_double(w, op, To, l, read<uint32_t>(w, op, 1, l));
        case Type::s64:
          return wide(read<int64_t>(w, op, 1, l));
        default:
          return wide(read<uint64_t>(w, op, 1, l));
      }
    }
  });
}

template <Type To>
Handler convert_from(Type from) {
  switch (from) {
    case Type::s8:
      return convert<To, Type::s8>;
    case Type::u8:
      return convert<To, Type::u8>;
    case Type::s16:
      return convert<To, Type::s16>;
    case Type::u16:
      return convert<To, Type::u16>;
    case Type::s32:
      return convert<To, Type::s32>;
    case Type::u32:
      return convert<To, Type::u32>;
    case Type::s64:
      return convert<To, Type::s64>;
    case Type::u64:
      return convert<To, Type::u64>;
    case Type::f16:
      return convert<To, Type::f16>;
    case Type::bf16:
      return convert<To, Type::bf16>;
    case Type::f32:
      return convert<To, Type::f32>;
    case Type::f64:
      return convert<To, Type::f64>;
    default:
      throw Unsupported("source type");
  }
}
template <Type To>
Handler integer_from_float(Type from) {
  switch (from) {
    case Type::f16:
      return convert<To, Type::f16>;
    case Type::bf16:
      return convert<To, Type::bf16>;
    case Type::f32:
      return convert<To, Type::f32>;
    case Type::f64:
      return convert<To, Type::f64>;
    default:
      throw Unsupported("source type");
  }
}
Handler pick(Type to, Type from) {
  switch (to) {
    case Type::f16:
      return convert_from<Type::f16>(from);
    case Type::bf16:
      return convert_from<Type::bf16>(from);
    case Type::f32:
      return convert_from<Type::f32>(from);
    case Type::f64:
      return convert_from<Type::f64>(from);
    case Type::s8:
      return integer_from_float<Type::s8>(from);
    case Type::u8:
      return integer_from_float<Type::u8>(from);
    case Type::s16:
      return integer_from_float<Type::s16>(from);
    case Type::u16:
      return integer_from_float<Type::u16>(from);
    case Type::s32:
      return integer_from_float<Type::s32>(from);
    case Type::u32:
      return integer_from_float<Type::u32>(from);
    case Type::s64:
      return integer_from_float<Type::s64>(from);
    case Type::u64:
      return integer_from_float<Type::u64>(from);
    default:
      throw Unsupported("result type");
  }
}

// f16 and bf16 to f32, exactly, without any modifier.
template <float (*Value)(uint16_t)>
void widen(Warp& w, const Op& op, uint32_t mask) {
  float* d = w.reg<float>(op.a[0]);
  const uint16_t* a = w.reg<uint16_t>(op.a[1]);
  each_value(mask, [&](int l) {
    const float f = Value(a[l]);
    d[l] = f != f ? std::bit_cast<float>(0x7fffffffu) : f;
  });
}

void widen_f16(Warp& w, const Op& op, uint32_t mask) {
#if defined(__F16C__)
  // One instruction for 8 lanes, where the shifts and the product of f16_value are ten.
  if (mask == kAll) {
    typedef short Halves __attribute__((vector_size(16)));
    typedef float Floats __attribute__((vector_size(32)));
    typedef int Words __attribute__((vector_size(32)));
    for (int l = 0; l < kLanes; l += 8) {
      Halves h;
      std::memcpy(&h, w.reg<uint16_t>(op.a[1]) + l, sizeof h);
      const Floats f = __builtin_ia32_vcvtph2ps256(h);
      const Words nan = f != f, bits = (reinterpret_cast<Words>(f) | nan) & ~(nan & INT32_MIN);
      std::memcpy(w.reg<float>(op.a[0]) + l, &bits, sizeof bits);
    }
    return;
  }
#endif
  widen<f16_value>(w, op, mask);
}

void bind_cvt(Binder& b, Form& form, Op& op) {
  const std::pair<std::string_view, Round> to_format[] = {{"rn", Round::nearest},
                                                          {"rz", Round::zero},
                                                          {"rm", Round::down},
                                                          {"rp", Round::up},
                                                          {"rna", Round::nearest_away}};
  const std::pair<std::string_view, Round> to_whole[] = {
      {"rni", Round::nearest}, {"rzi", Round::zero}, {"rmi", Round::down}, {"rpi", Round::up}};
  int whole = -1;
  for (auto [name, mode] : to_format)
    if (form.take(name)) op.mode[kRounding] = int(mode);
  for (auto [name, mode] : to_whole)
    if (form.take(name)) whole = int(mode);
  op.mode[kSaturate] = form.take("sat"), op.mode[kFlush] = form.take("ftz");
  op.mode[kRelu] = form.take("relu");
  const Type to = form.type(), from = form.type();
  if (is_packed(to) || is_packed(from))
    return bind_packed_cvt(b, form, op, Round(op.mode[kRounding]), to, from);
  b.out_wide(op, 0, b.operand(0), to), b.in_wide(op, 1, b.operand(1), from);
  if (!is_float(to) && !is_float(from)) {
    op.run = op.mode[kSaturate] ? saturated_to(to, from) : integer_unsaturated(op, to, from);
    return;
  }
  if (whole >= 0) {
    if (is_float(to) && is_float(from))
      op.imm = whole + 1;
    else
      op.mode[kRounding] = whole;
  }
  op.run = pick(to, from);
  const bool plain = whole < 0 && !op.mode[kSaturate] && !op.mode[kFlush] && !op.mode[kRelu] &&
                     op.size[0] == 4 && op.size[1] == 2;
  if (plain && to == Type::f32 && from == Type::f16) op.run = widen_f16;
  if (plain && to == Type::f32 && from == Type::bf16) op.run = widen<bf16_value>;
}

constexpr OpcodeRow kRows[] = {{"cvt", bind_cvt}};

}  // namespace

std::span<const OpcodeRow> convert_opcodes() { return kRows; }

}  // namespace ptxrun
