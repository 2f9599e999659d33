// cvt between pairs: f16x2, bf16x2, and the 8-, 6- and 4-bit formats; and tf32.
#include <array>
#include <cmath>

#include "bind.h"
#include "number.h"
#include "packed.h"

namespace ptxrun {
namespace {

constexpr Format kTf32{8, 10, 127, 0x3fbff, 0x3ffff, true};

// mode[0]: Round, mode[1]: .satfinite, mode[3]: .relu (taken by cvt). Of a pair, e2m1 is two to a
// byte, the 6- and 8-bit formats a byte each.
enum { kRounding, kFinite, kRelu = 3 };

uint32_t finish(const Op& op, const Format& f, double v) {
  if (op.mode[kRelu] && !(v > 0) && !std::isnan(v)) v = 0;
  return encode(f, v, Round(op.mode[kRounding]), op.mode[kFinite]);
}
// ue8m0: a power of two, rounded down (.rz) or up (.rp); the sign is dropped.
uint32_t to_ue8m0(const Op& op, double v) {
  v = std::fabs(v);
  if (std::isnan(v)) return 0xff;
  if (std::isinf(v)) return op.mode[kFinite] ? 0xfe : 0xff;
  if (v == 0) return 0;
  int e = std::ilogb(v);
  if (Round(op.mode[kRounding]) == Round::up && v > std::ldexp(1.0, e)) ++e;
  return e < -127 ? 0 : e > 127 ? (op.mode[kFinite] ? 0xfeu : 0xffu) : uint32_t(e + 127);
}

void put(Warp& w, const Op& op, int lane, uint32_t value) {
  uint64_t extended = value;
  std::memcpy(w.registers.data() + op.a[0] + size_t(lane) * op.size[0], &extended, op.size[0]);
}
uint32_t get(Warp& w, const Op& op, int k, int lane) {
  uint32_t v = 0;
  const size_t size = std::min<size_t>(op.size[size_t(k)], 4);
  std::memcpy(&v, w.registers.data() + op.a[size_t(k)] + size_t(lane) * op.size[size_t(k)], size);
  return v;
}

// Two floats into a pair: the first operand is the upper half.
template <const Format& F, int Bits>
void pack(Warp& w, const Op& op, uint32_t mask) {
  const float *a = w.reg<float>(op.a[1]), *b = w.reg<float>(op.a[2]);
  each_lane(mask, [&](int l) { put(w, op, l, finish(op, F, a[l]) << Bits | finish(op, F, b[l])); });
}
void pack_scale(Warp& w, const Op& op, uint32_t mask) {
  const float *a = w.reg<float>(op.a[1]), *b = w.reg<float>(op.a[2]);
  each_lane(mask, [&](int l) { put(w, op, l, to_ue8m0(op, a[l]) << 8 | to_ue8m0(op, b[l])); });
}
// One pair into another.
template <const Format& To, int ToBits, const Format& From, int FromBits>
void repack(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const uint32_t v = get(w, op, 1, l);
    constexpr uint32_t kMask = (1u << FromBits) - 1;
    const uint32_t high = v >> FromBits & kMask, low = v & kMask;
    put(w, op, l, finish(op, To, decode(From, high)) << ToBits | finish(op, To, decode(From, low)));
  });
}
// Into f16, which holds every value of the narrow formats: tables, for 4 bits of whole pairs.
template <const Format& From, int FromBits, class Register>
void widen(Warp& w, const Op& op, uint32_t mask) {
  static const auto table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t k = 0; k < 256; ++k)
      t[k] = FromBits == 4
                 ? uint32_t(to_f16(decode(From, k >> 4))) << 16 | to_f16(decode(From, k & 15))
                 : to_f16(decode(From, k & ((1u << FromBits) - 1)));
    return t;
  }();
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const Register* s = w.reg<Register>(op.a[1]);
  each_value(mask, [&](int l) {
    const uint32_t v = s[l];
    d[l] = FromBits == 4 ? table[v & 255] : table[v >> 8 & 255] << 16 | table[v & 255];
  });
}
void scale_from_bf16(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const uint32_t v = get(w, op, 1, l);
    put(w, op, l,
        to_ue8m0(op, decode(kBf16, v >> 16)) << 8 | to_ue8m0(op, decode(kBf16, v & 0xffff)));
  });
}
void bf16_from_scale(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const uint32_t v = get(w, op, 1, l);
    put(w, op, l,
        uint32_t(to_bf16(ue8m0_value(uint8_t(v >> 8)))) << 16 | to_bf16(ue8m0_value(uint8_t(v))));
  });
}
void to_tf32(Warp& w, const Op& op, uint32_t mask) {
  const float* a = w.reg<float>(op.a[1]);
  each_lane(mask, [&](int l) {
    w.reg<uint32_t>(op.a[0])[l] = std::isnan(a[l]) ? 0x7fffffffu : finish(op, kTf32, a[l]) << 13;
  });
}

Handler pack_of(Type to) {
  switch (to) {
    case Type::f16x2:
      return pack<kF16, 16>;
    case Type::bf16x2:
      return pack<kBf16, 16>;
    case Type::e4m3x2:
      return pack<kE4m3, 8>;
    case Type::e5m2x2:
      return pack<kE5m2, 8>;
    case Type::e2m3x2:
      return pack<kE2m3, 8>;
    case Type::e3m2x2:
      return pack<kE3m2, 8>;
    case Type::e2m1x2:
      return pack<kE2m1, 4>;
    case Type::ue8m0x2:
      return pack_scale;
    default:
      throw Unsupported("packed type");
  }
}
template <class Register>
Handler widen_of(Type from) {
  switch (from) {
    case Type::e4m3x2:
      return widen<kE4m3, 8, Register>;
    case Type::e5m2x2:
      return widen<kE5m2, 8, Register>;
    case Type::e2m1x2:
      return widen<kE2m1, 4, Register>;
    default:
      return nullptr;
  }
}
Handler repack_of(Type to, Type from) {
  if (to == Type::f16x2) switch (from) {
      case Type::e4m3x2:
        return repack<kF16, 16, kE4m3, 8>;
      case Type::e5m2x2:
        return repack<kF16, 16, kE5m2, 8>;
      case Type::e2m3x2:
        return repack<kF16, 16, kE2m3, 8>;
      case Type::e3m2x2:
        return repack<kF16, 16, kE3m2, 8>;
      case Type::e2m1x2:
        return repack<kF16, 16, kE2m1, 4>;
      default:
        break;
    }
  if (to == Type::e4m3x2 && from == Type::f16x2) return repack<kE4m3, 8, kF16, 16>;
  if (to == Type::e5m2x2 && from == Type::f16x2) return repack<kE5m2, 8, kF16, 16>;
  if (to == Type::ue8m0x2 && from == Type::bf16x2) return scale_from_bf16;
  if (to == Type::bf16x2 && from == Type::ue8m0x2) return bf16_from_scale;
  throw Unsupported("packed conversion");
}

}  // namespace

bool is_packed(Type t) {
  switch (t) {
    case Type::tf32:
    case Type::f16x2:
    case Type::bf16x2:
    case Type::e4m3x2:
    case Type::e5m2x2:
    case Type::e2m3x2:
    case Type::e3m2x2:
    case Type::e2m1x2:
    case Type::ue8m0x2:
      return true;
    default:
      return false;
  }
}

void bind_packed_cvt(Binder& b, Form& form, Op& op, Round mode, Type to, Type from) {
  op.mode[kRounding] = int(mode);
  op.mode[kFinite] = form.take("satfinite");
  b.out_wide(op, 0, b.operand(0), to);
  if (to == Type::tf32) {
    b.in(op, 1, b.operand(1), from);
    op.run = to_tf32;
  } else if (from == Type::f32) {
    b.in(op, 1, b.operand(1), from), b.in(op, 2, b.operand(2), from);
    op.run = pack_of(to);
  } else {
    b.in_wide(op, 1, b.operand(1), from);
    op.run = repack_of(to, from);
    if (to == Type::f16x2 && op.size[0] == 4 && op.size[1] <= 4 && !op.mode[kRelu]) {
      const Handler h = op.size[1] == 4   ? widen_of<uint32_t>(from)
                        : op.size[1] == 2 ? widen_of<uint16_t>(from)
                                          : widen_of<uint8_t>(from);
      if (h) op.run = h;
    }
  }
}

}  // namespace ptxrun
