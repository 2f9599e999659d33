// Bit fields, permutations, shifts and dot products of bytes.
#include <bit>

#include "bind.h"

namespace ptxrun {
namespace {

template <class T>
void popcount(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  each_lane(mask, [&](int l) { d[l] = uint32_t(std::popcount(a[l])); });
}
template <class T>
void leading_zeros(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  each_lane(mask, [&](int l) { d[l] = uint32_t(std::countl_zero(a[l])); });
}
// Position of the most significant bit that differs from the sign; ~0 if there is none. With
// .shiftamt (mode[0]) the left shift that brings it to the top.
template <class T>
void find_first(Warp& w, const Op& op, uint32_t mask) {
  using U = std::make_unsigned_t<T>;
  constexpr int kBits = 8 * int(sizeof(T));
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  each_lane(mask, [&](int l) {
    const U x = a[l] < 0 ? U(~a[l]) : U(a[l]);
    const int zeros = std::countl_zero(x);
    d[l] = zeros == kBits ? ~0u : uint32_t(op.mode[0] ? zeros : kBits - 1 - zeros);
  });
}
template <class T>
void reverse(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  each_lane(mask, [&](int l) {
    T r = 0;
    for (size_t k = 0; k < 8 * sizeof(T); ++k) r |= T(T(a[l] >> k & 1) << (8 * sizeof(T) - 1 - k));
    d[l] = r;
  });
}

void bind_popc(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), Type::b32), b.in(op, 1, b.operand(1), t);
  op.run = size_of(t) == 4 ? popcount<uint32_t> : popcount<uint64_t>;
}
void bind_clz(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), Type::b32), b.in(op, 1, b.operand(1), t);
  op.run = size_of(t) == 4 ? leading_zeros<uint32_t> : leading_zeros<uint64_t>;
}
void bind_bfind(Binder& b, Form& form, Op& op) {
  op.mode[0] = form.take("shiftamt");
  const Type t = form.type();
  b.out(op, 0, b.operand(0), Type::b32), b.in(op, 1, b.operand(1), t);
  op.run = t == Type::s32   ? find_first<int32_t>
           : t == Type::u32 ? find_first<uint32_t>
           : t == Type::s64 ? find_first<int64_t>
                            : find_first<uint64_t>;
}
void bind_brev(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t);
  op.run = size_of(t) == 4 ? reverse<uint32_t> : reverse<uint64_t>;
}

// bfe: `len` bits of a from `pos` on; for signed types the top bit of the field extends.
template <class T>
void extract(Warp& w, const Op& op, uint32_t mask) {
  constexpr int kBits = 8 * int(sizeof(T));
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  const uint32_t *b = w.reg<uint32_t>(op.a[2]), *c = w.reg<uint32_t>(op.a[3]);
  each_lane(mask, [&](int l) {
    const int pos = int(b[l] & 255), len = int(c[l] & 255);
    bool sign = false;
    if (std::is_signed_v<T> && len > 0)
      sign = uint64_t(a[l]) >> std::min(pos + len - 1, kBits - 1) & 1;
    T r = 0;
    for (int k = 0; k < kBits; ++k) {
      const bool bit = k < len && pos + k < kBits ? uint64_t(a[l]) >> (pos + k) & 1 : sign;
      r = T(r | T(uint64_t(bit) << k));
    }
    d[l] = r;
  });
}
void bind_bfe(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t);
  b.in(op, 2, b.operand(2), Type::b32), b.in(op, 3, b.operand(3), Type::b32);
  op.run = t == Type::s32   ? extract<int32_t>
           : t == Type::u32 ? extract<uint32_t>
           : t == Type::s64 ? extract<int64_t>
                            : extract<uint64_t>;
}
// bfi: the low `len` bits of a over b from `pos` on.
template <class T>
void insert(Warp& w, const Op& op, uint32_t mask) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  T* d = w.reg<T>(op.a[0]);
  const T *a = w.reg<T>(op.a[1]), *b = w.reg<T>(op.a[2]);
  const uint32_t *p = w.reg<uint32_t>(op.a[3]), *n = w.reg<uint32_t>(op.a[4]);
  each_lane(mask, [&](int l) {
    const uint32_t pos = p[l] & 255, len = n[l] & 255;
    T field = len >= kBits ? T(~T(0)) : T((T(1) << len) - 1);
    field = pos >= kBits ? T(0) : T(field << pos);
    d[l] = T((b[l] & ~field) | ((pos >= kBits ? T(0) : T(a[l] << pos)) & field));
  });
}
void bind_bfi(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t), b.in(op, 2, b.operand(2), t);
  b.in(op, 3, b.operand(3), Type::b32), b.in(op, 4, b.operand(4), Type::b32);
  op.run = size_of(t) == 4 ? insert<uint32_t> : insert<uint64_t>;
}
// bmsk: `len` ones from `pos` on; mode[0]: amounts wrap at 32 instead of clamping.
void bit_mask(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const uint32_t *a = w.reg<uint32_t>(op.a[1]), *b = w.reg<uint32_t>(op.a[2]);
  each_lane(mask, [&](int l) {
    const uint32_t pos = op.mode[0] ? a[l] & 31 : a[l], len = op.mode[0] ? b[l] & 31 : b[l];
    const uint64_t ones = len >= 32 ? 0xffffffffull : (1ull << len) - 1;
    d[l] = pos >= 32 ? 0 : uint32_t(ones << pos);
  });
}
void bind_bmsk(Binder& b, Form& form, Op& op) {
  op.mode[0] = form.take("wrap");
  if (!op.mode[0] && !form.take("clamp")) throw Unsupported("mode");
  form.type();
  b.out(op, 0, b.operand(0), Type::b32);
  b.in(op, 1, b.operand(1), Type::b32), b.in(op, 2, b.operand(2), Type::b32);
  op.run = bit_mask;
}
// szext: the low `n` bits, sign- (mode[1]) or zero-extended; mode[0]: n wraps at 32.
void extend(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const uint32_t *a = w.reg<uint32_t>(op.a[1]), *b = w.reg<uint32_t>(op.a[2]);
  each_lane(mask, [&](int l) {
    const uint32_t n = op.mode[0] ? b[l] & 31 : b[l];
    if (n >= 32) {
      d[l] = a[l];
    } else if (n == 0) {
      d[l] = 0;
    } else {
      d[l] = op.mode[1] ? uint32_t(int32_t(a[l] << (32 - n)) >> (32 - n))
                        : a[l] << (32 - n) >> (32 - n);
    }
  });
}
void bind_szext(Binder& b, Form& form, Op& op) {
  op.mode[0] = form.take("wrap");
  if (!op.mode[0] && !form.take("clamp")) throw Unsupported("mode");
  op.mode[1] = is_signed(form.type());
  b.out(op, 0, b.operand(0), Type::b32);
  b.in(op, 1, b.operand(1), Type::b32), b.in(op, 2, b.operand(2), Type::b32);
  op.run = extend;
}

// lop3: bit i of the result is bit (a_i b_i c_i) of the table.
void logic3(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const uint32_t *a = w.reg<uint32_t>(op.a[1]), *b = w.reg<uint32_t>(op.a[2]),
                 *c = w.reg<uint32_t>(op.a[3]);
  const uint32_t table = uint32_t(op.imm);
  each_lane(mask, [&](int l) {
    uint32_t r = 0;
    for (uint32_t row = 0; row < 8; ++row)
      if (table >> row & 1)
        r |= (row & 4 ? a[l] : ~a[l]) & (row & 2 ? b[l] : ~b[l]) & (row & 1 ? c[l] : ~c[l]);
    d[l] = r;
  });
}
void bind_lop3(Binder& b, Form& form, Op& op) {
  form.type();
  b.out(op, 0, b.operand(0), Type::b32);
  for (int i = 1; i < 4; ++i) b.in(op, i, b.operand(size_t(i)), Type::b32);
  op.imm = int64_t(b.operand(4).bits);
  op.run = logic3;
}

// prmt: each selector nibble picks a byte of (b:a); its top bit replicates that byte's sign.
uint32_t permute(uint32_t a, uint32_t b, uint32_t selector) {
  const uint64_t both = uint64_t(b) << 32 | a;
  uint32_t r = 0;
  for (int k = 0; k < 4; ++k) {
    const uint32_t s = selector >> 4 * k & 15;
    uint32_t byte = uint32_t(both >> 8 * (s & 7)) & 255;
    if (s & 8) byte = byte & 128 ? 255 : 0;
    r |= byte << 8 * k;
  }
  return r;
}
// The named modes are selectors that depend on the low bits of c.
uint32_t mode_selector(int mode, uint32_t c) {
  static constexpr uint32_t kTable[6][4] = {
      {0x3210, 0x4321, 0x5432, 0x6543},  // f4e
      {0x5670, 0x6701, 0x7012, 0x0123},  // b4e
      {0x0000, 0x1111, 0x2222, 0x3333},  // rc8
      {0x3210, 0x3211, 0x3222, 0x3333},  // ecl
      {0x0000, 0x1110, 0x2210, 0x3210},  // ecr
      {0x1010, 0x3232, 0x1010, 0x3232},  // rc16
  };
  return mode == 0 ? c & 0xffff : kTable[mode - 1][c & 3];
}
void prmt(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const uint32_t *a = w.reg<uint32_t>(op.a[1]), *b = w.reg<uint32_t>(op.a[2]),
                 *c = w.reg<uint32_t>(op.a[3]);
  each_lane(mask, [&](int l) { d[l] = permute(a[l], b[l], mode_selector(op.mode[0], c[l])); });
}
void bind_prmt(Binder& b, Form& form, Op& op) {
  form.type();
  const char* const modes[] = {"", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16"};
  for (int i = 1; i < 7; ++i)
    if (form.take(modes[i])) op.mode[0] = i;
  b.out(op, 0, b.operand(0), Type::b32);
  for (int i = 1; i < 4; ++i) b.in(op, i, b.operand(size_t(i)), Type::b32);
  op.run = prmt;
}

// dp4a: c + sum of four byte products; dp2a: c + two products of 16-bit halves of a with bytes of
// b.
template <bool SignedA, bool SignedB>
void dp4a(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const uint32_t *a = w.reg<uint32_t>(op.a[1]), *b = w.reg<uint32_t>(op.a[2]),
                 *c = w.reg<uint32_t>(op.a[3]);
  each_lane(mask, [&](int l) {
    uint32_t sum = c[l];
    for (int k = 0; k < 4; ++k) {
      const uint8_t x = uint8_t(a[l] >> 8 * k), y = uint8_t(b[l] >> 8 * k);
      sum += uint32_t((SignedA ? int32_t(int8_t(x)) : x) * (SignedB ? int32_t(int8_t(y)) : y));
    }
    d[l] = sum;
  });
}
template <bool SignedA, bool SignedB>
void dp2a(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const uint32_t *a = w.reg<uint32_t>(op.a[1]), *b = w.reg<uint32_t>(op.a[2]),
                 *c = w.reg<uint32_t>(op.a[3]);
  const int high = op.mode[0] ? 16 : 0;
  each_lane(mask, [&](int l) {
    uint32_t sum = c[l];
    for (int k = 0; k < 2; ++k) {
      const uint16_t x = uint16_t(a[l] >> 16 * k);
      const uint8_t y = uint8_t(b[l] >> (high + 8 * k));
      sum += uint32_t((SignedA ? int32_t(int16_t(x)) : x) * (SignedB ? int32_t(int8_t(y)) : y));
    }
    d[l] = sum;
  });
}
void bind_dot(Binder& b, Form& form, Op& op) {
  const bool four = b.ins().parts[0] == "dp4a";
  if (!four) {
    op.mode[0] = form.take("hi");
    if (!op.mode[0] && !form.take("lo")) throw Unsupported("half");
  }
  const bool sa = is_signed(form.type()), sb = is_signed(form.type());
  b.out(op, 0, b.operand(0), Type::b32);
  for (int i = 1; i < 4; ++i) b.in(op, i, b.operand(size_t(i)), Type::b32);
  if (four)
    op.run = sa ? (sb ? dp4a<true, true> : dp4a<true, false>)
                : (sb ? dp4a<false, true> : dp4a<false, false>);
  else
    op.run = sa ? (sb ? dp2a<true, true> : dp2a<true, false>)
                : (sb ? dp2a<false, true> : dp2a<false, false>);
}

template <class T>
void shift_left(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  const uint32_t* b = w.reg<uint32_t>(op.a[2]);
  each_lane(mask, [&](int l) { d[l] = b[l] >= 8 * sizeof(T) ? T(0) : T(uint64_t(a[l]) << b[l]); });
}
template <class T>
void shift_right(Warp& w, const Op& op, uint32_t mask) {
  T* d = w.reg<T>(op.a[0]);
  const T* a = w.reg<T>(op.a[1]);
  const uint32_t* b = w.reg<uint32_t>(op.a[2]);
  each_lane(mask,
            [&](int l) { d[l] = b[l] >= 8 * sizeof(T) ? T(a[l] < 0 ? -1 : 0) : T(a[l] >> b[l]); });
}
void bind_shl(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t), b.in(op, 2, b.operand(2), Type::b32);
  const int s = size_of(t);
  op.run = s == 2 ? shift_left<uint16_t> : s == 4 ? shift_left<uint32_t> : shift_left<uint64_t>;
}
void bind_shr(Binder& b, Form& form, Op& op) {
  const Type t = form.type();
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t), b.in(op, 2, b.operand(2), Type::b32);
  const int s = size_of(t);
  if (is_signed(t))
    op.run = s == 2 ? shift_right<int16_t> : s == 4 ? shift_right<int32_t> : shift_right<int64_t>;
  else
    op.run = s == 2   ? shift_right<uint16_t>
             : s == 4 ? shift_right<uint32_t>
                      : shift_right<uint64_t>;
}
// shf: d = the upper (left) or lower (right) word of (b:a) shifted; the amount wraps or clamps
// at 32.
template <bool Left, bool Clamp>
void funnel(Warp& w, const Op& op, uint32_t mask) {
  uint32_t* d = w.reg<uint32_t>(op.a[0]);
  const uint32_t *a = w.reg<uint32_t>(op.a[1]), *b = w.reg<uint32_t>(op.a[2]),
                 *c = w.reg<uint32_t>(op.a[3]);
  each_lane(mask, [&](int l) {
    const uint32_t n = Clamp ? (c[l] > 32 ? 32 : c[l]) : c[l] & 31;
    const uint64_t both = uint64_t(b[l]) << 32 | a[l];
    d[l] = Left ? uint32_t((n == 32 ? both << 32 : both << n) >> 32) : uint32_t(both >> n);
  });
}
void bind_shf(Binder& b, Form& form, Op& op) {
  const bool left = form.take("l"), clamp = form.take("clamp");
  if (!left && !form.take("r")) throw Unsupported("direction");
  if (!clamp && !form.take("wrap")) throw Unsupported("mode");
  form.type();
  b.out(op, 0, b.operand(0), Type::b32);
  for (int i = 1; i < 4; ++i) b.in(op, i, b.operand(size_t(i)), Type::b32);
  op.run = left ? (clamp ? funnel<true, true> : funnel<true, false>)
                : (clamp ? funnel<false, true> : funnel<false, false>);
}

constexpr OpcodeRow kRows[] = {
    {"popc", bind_popc}, {"clz", bind_clz},   {"bfind", bind_bfind}, {"brev", bind_brev},
    {"bfe", bind_bfe},   {"bfi", bind_bfi},   {"bmsk", bind_bmsk},   {"szext", bind_szext},
    {"lop3", bind_lop3}, {"prmt", bind_prmt}, {"dp4a", bind_dot},    {"dp2a", bind_dot},
    {"shf", bind_shf},   {"shl", bind_shl},   {"shr", bind_shr},
};

}  // namespace

std::span<const OpcodeRow> bit_opcodes() { return kRows; }

}  // namespace ptxrun
