// ldmatrix, stmatrix and mma.sync: what the lanes of a warp hold of a matrix together.
#include <cmath>

#include "access.h"
#include "bind.h"
#include "number.h"
#include "op_mma_scaled.h"

namespace ptxrun {
namespace {

// ---- 8x8 matrices of 16 bits ----

// Lane i of the first 8 * count gives the address of row i % 8 of matrix i / 8. Lane l then holds,
// of each matrix, the elements (l / 4, 2 * (l % 4)) and the next; transposed, the same of the
// transpose.
template <bool Write>
void matrices(Warp& w, const Op& op, uint32_t) {
  const int count = int(op.list.size());
  Access a;
  a.bytes = 16, a.write = Write, a.read = !Write;
  locate(w, op, count == 4 ? kAll : (1u << 8 * count) - 1, 0, a);
  for (int m = 0; m < count; ++m) {
    uint32_t* r = w.reg<uint32_t>(op.list[size_t(m)].at);
    uint32_t fresh[kLanes];
    for (int l = 0; l < kLanes; ++l) {
      fresh[l] = 0;
      for (int e = 0; e < 2; ++e) {
        int row = l / 4, col = 2 * (l % 4) + e;
        if (op.mode[0]) std::swap(row, col);
        uint8_t* at = a.data[8 * m + row] + 2 * col;
        uint16_t v = uint16_t(r[l] >> 16 * e);
        if (Write)
          std::memcpy(at, &v, 2);
        else
          std::memcpy(&v, at, 2);
        fresh[l] |= uint32_t(v) << 16 * e;
      }
    }
    if (!Write) std::memcpy(r, fresh, sizeof fresh);
  }
  if (Write) ++w.block->launch->progress;
}
// Matrices of bytes, 8 x 16 or transposed 16 x 16. Lane i gives the address of row i % rows of
// matrix i / rows: 16 bytes, or 16 elements of 6 or 4 bits from the low end on, which become bytes.
// Lane l then holds elements 4 * (l % 4) to + 3 of row l / 4 of what is loaded (after the
// transposition), and in a second register of row l / 4 + 8. mode: transposed, rows, bits.
void byte_matrices(Warp& w, const Op& op, uint32_t) {
  const int rows = op.mode[1], bits = op.mode[2], halves = rows / 8;
  const int lanes = rows * int(op.list.size()) / halves;
  Access a;
  a.bytes = 16;
  locate(w, op, lanes == kLanes ? kAll : (1u << lanes) - 1, 0, a);
  for (int m = 0; m < int(op.list.size()) / halves; ++m) {
    uint8_t v[16][16];
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < 16; ++c) {
        uint16_t two = 0;  // the element lies in these bytes
        const int at = c * bits / 8;
        std::memcpy(&two, a.data[m * rows + r] + at, at < 15 ? 2 : 1);
        v[r][c] = uint8_t(two >> c * bits % 8 & ((1 << bits) - 1));
      }
    for (int h = 0; h < halves; ++h)
      for (int l = 0; l < kLanes; ++l) {
        uint32_t word = 0;
        for (int e = 0; e < 4; ++e) {
          const int row = l / 4 + 8 * h, col = 4 * (l % 4) + e;
          word |= uint32_t(op.mode[0] ? v[col][row] : v[row][col]) << 8 * e;
        }
        w.reg<uint32_t>(op.list[size_t(m * halves + h)].at)[l] = word;
      }
  }
}
void bind_byte_matrices(Binder& b, Form& form, Op& op) {
  const bool square = form.take("m16n16");
  if (!square && !form.take("m8n16")) throw Unsupported("shape");
  const size_t count = form.take("x1") ? 1 : form.take("x2") ? 2 : form.take("x4") ? 4 : 0;
  if (square && count == 4) throw Unsupported("number of matrices");
  op.mode[0] = form.take("trans"), op.mode[1] = square ? 16 : 8;
  if (op.mode[0] != int(square)) throw Unsupported("transposition");
  op.space = form.take("shared") || form.take("shared::cta") ? Space::shared : Space::generic;
  if (form.take("b8x16"))
    op.mode[2] = form.take("b6x16_p32") ? 6 : form.take("b4x16_p64") ? 4 : 0;
  else if (square && form.type() == Type::b8)
    op.mode[2] = 8;
  if (op.mode[2] == 0) throw Unsupported("element type");
  op.list = b.slots(b.operand(0), Type::b32, true);
  if (count == 0 || op.list.size() != count * (square ? 2 : 1))
    throw Unsupported("number of registers");
  b.address(op, 0, b.operand(1));
  op.run = byte_matrices;
  b.collective_all(op);
}
template <bool Write>
void bind_matrices(Binder& b, Form& form, Op& op) {
  if (!form.take("sync") || !form.take("aligned")) throw Unsupported("form");
  if (!form.take("m8n8")) {
    if (Write) throw Unsupported("shape");
    return bind_byte_matrices(b, form, op);
  }
  const size_t count = form.take("x1") ? 1 : form.take("x2") ? 2 : form.take("x4") ? 4 : 0;
  op.mode[0] = form.take("trans");
  op.space = form.take("shared") || form.take("shared::cta") ? Space::shared : Space::generic;
  if (form.type() != Type::b16) throw Unsupported("element type");
  op.list = b.slots(b.operand(Write ? 1 : 0), Type::b32, !Write);
  if (op.list.size() != count) throw Unsupported("number of registers");
  b.address(op, 0, b.operand(Write ? 0 : 1));
  op.run = matrices<Write>;
  b.collective_all(op);
}
// movmatrix: the transpose of one matrix, from registers to registers.
void transpose(Warp& w, const Op& op, uint32_t) {
  uint16_t m[8][8];
  uint32_t *d = w.reg<uint32_t>(op.a[0]), *s = w.reg<uint32_t>(op.a[1]);
  for (int l = 0; l < kLanes; ++l)
    for (int e = 0; e < 2; ++e) m[2 * (l % 4) + e][l / 4] = uint16_t(s[l] >> 16 * e);
  for (int l = 0; l < kLanes; ++l)
    d[l] = m[l / 4][2 * (l % 4)] | uint32_t(m[l / 4][2 * (l % 4) + 1]) << 16;
}
void bind_movmatrix(Binder& b, Form& form, Op& op) {
  if (!form.take("sync") || !form.take("aligned") || !form.take("m8n8") || !form.take("trans") ||
      form.type() != Type::b16)
    throw Unsupported("form");
  b.out(op, 0, b.operand(0), Type::b32), b.in(op, 1, b.operand(1), Type::b32);
  op.run = transpose;
  b.collective_all(op);
}

// ---- mma: D = A * B + C, A row-major 16 x K, B K x 8 by columns ----
//
// With g = lane / 4 and t = lane % 4, and E elements to a register: register r of A holds
// (g + 8 * (r & 1), t * E + e + (r >> 1) * 4 * E), register r of B (t * E + e + r * 4 * E, g), and
// of C and D elements 2i, 2i + 1 are (g + 8 * i, 2 * t) and the next.

struct F16 {
  static constexpr int kBits = 16;
  static double get(uint32_t v) { return f16_value(uint16_t(v)); }
};
struct Bf16 {
  static constexpr int kBits = 16;
  static double get(uint32_t v) { return bf16_value(uint16_t(v)); }
};
struct Tf32 {
  static constexpr int kBits = 32;
  static double get(uint32_t v) { return std::bit_cast<float>(v & 0xffffe000u); }
};
struct E4m3 {
  static constexpr int kBits = 8;
  static double get(uint32_t v) { return decode(kE4m3, v); }
};
struct E5m2 {
  static constexpr int kBits = 8;
  static double get(uint32_t v) { return decode(kE5m2, v); }
};
struct S8 {
  static constexpr int kBits = 8;
  static int64_t get(uint32_t v) { return int8_t(v); }
};
struct U8 {
  static constexpr int kBits = 8;
  static int64_t get(uint32_t v) { return uint8_t(v); }
};
struct S4 {
  static constexpr int kBits = 4;
  static int64_t get(uint32_t v) { return int32_t(v << 28) >> 28; }
};
struct U4 {
  static constexpr int kBits = 4;
  static int64_t get(uint32_t v) { return v & 15; }
};

// list: D, A, B, C. mode[0] = registers of A, mode[1] = of B, mode[2] = of C; mode[3]: 1
// .satfinite, C and D: 0 f32, 1 f16, 2 s32 in imm. Products are exact, summed in double in order of
// k, then with C, and rounded once. Hardware keeps fewer bits in between.
template <class A, class B>
void multiply(Warp& w, const Op& op, uint32_t) {
  constexpr int E = 32 / A::kBits;
  static_assert(A::kBits == B::kBits);
  using Value = decltype(A::get(0));
  const int nd = op.mode[2], na = op.mode[0], nb = op.mode[1], depth = 4 * E * nb;
  Value a[16][64], b[64][8];
  auto reg = [&](int k) { return w.reg<uint32_t>(op.list[size_t(k)].at); };
  auto element = [](uint32_t r, int e) {
    return E == 1 ? r : r >> (e * A::kBits % 32) & ((1ull << A::kBits) - 1);
  };
  for (int l = 0; l < kLanes; ++l) {
    const int g = l / 4, t = l % 4;
    for (int e = 0; e < E; ++e) {
      for (int r = 0; r < na; ++r)
        a[g + 8 * (r & 1)][t * E + e + (r >> 1) * 4 * E] =
            A::get(uint32_t(element(reg(nd + r)[l], e)));
      for (int r = 0; r < nb; ++r)
        b[t * E + e + r * 4 * E][g] = B::get(uint32_t(element(reg(nd + na + r)[l], e)));
    }
  }
  for (int l = 0; l < kLanes; ++l)
    for (int i = 0; i < 4; ++i) {
      const int row = l / 4 + 8 * (i >> 1), col = 2 * (l % 4) + (i & 1);
      Value sum = 0;
      for (int k = 0; k < depth; ++k) sum += a[row][k] * b[k][col];
      const int c = nd + na + nb;
      if (op.imm == 1) {
        const uint32_t old = reg(c + i / 2)[l] >> 16 * (i & 1);
        const uint32_t half = to_f16(add_to_odd(double(sum), f16_value(uint16_t(old))));
        uint32_t& d = reg(i / 2)[l];
        d = (d & ~(0xffffu << 16 * (i & 1))) | half << 16 * (i & 1);
      } else if (op.imm == 2) {
        int64_t s = int64_t(sum) + int32_t(reg(c + i)[l]);
        if (op.mode[3]) s = std::min<int64_t>(std::max<int64_t>(s, INT32_MIN), INT32_MAX);
        reg(i)[l] = uint32_t(s);
      } else {
        const float f = float(add_to_odd(double(sum), std::bit_cast<float>(reg(c + i)[l])));
        reg(i)[l] = f != f ? 0x7fffffffu : std::bit_cast<uint32_t>(f);
      }
    }
}
// m8n8k4 of doubles: A (lane / 4, lane % 4), B (lane % 4, lane / 4), C two of row lane / 4.
void multiply_double(Warp& w, const Op& op, uint32_t) {
  auto reg = [&](int k) { return w.reg<double>(op.list[size_t(k)].at); };
  double d[kLanes][2];
  for (int l = 0; l < kLanes; ++l)
    for (int i = 0; i < 2; ++i) {
      double sum = reg(4 + i)[l];
      for (int k = 0; k < 4; ++k)
        sum = std::fma(reg(2)[l / 4 * 4 + k], reg(3)[(2 * (l % 4) + i) * 4 + k], sum);
      d[l][i] = sum;
    }
  for (int l = 0; l < kLanes; ++l) reg(0)[l] = d[l][0], reg(1)[l] = d[l][1];
}

template <class A>
Handler with_bytes(Type b) {
  switch (b) {
    case Type::e4m3:
      return multiply<A, E4m3>;
    case Type::e5m2:
      return multiply<A, E5m2>;
    default:
      return nullptr;
  }
}
Handler pick(Type a, Type b) {
  switch (a) {
    case Type::f16:
      return b == a ? multiply<F16, F16> : nullptr;
    case Type::bf16:
      return b == a ? multiply<Bf16, Bf16> : nullptr;
    case Type::tf32:
      return b == a ? multiply<Tf32, Tf32> : nullptr;
    case Type::e4m3:
      return with_bytes<E4m3>(b);
    case Type::e5m2:
      return with_bytes<E5m2>(b);
    case Type::s8:
      return b == Type::s8 ? multiply<S8, S8> : b == Type::u8 ? multiply<S8, U8> : nullptr;
    case Type::u8:
      return b == Type::s8 ? multiply<U8, S8> : b == Type::u8 ? multiply<U8, U8> : nullptr;
    case Type::s4:
      return b == Type::s4 ? multiply<S4, S4> : b == Type::u4 ? multiply<S4, U4> : nullptr;
    case Type::u4:
      return b == Type::s4 ? multiply<U4, S4> : b == Type::u4 ? multiply<U4, U4> : nullptr;
    default:
      return nullptr;
  }
}

void bind_mma(Binder& b, Form& form, Op& op) {
  if (!form.take("sync") || !form.take("aligned")) throw Unsupported("form");
  const std::string shape = form.take_prefix("m");
  if (!form.take("row") || !form.take("col")) throw Unsupported("layout");
  if (b.ins().opcode.find(".kind::") != std::string::npos)
    return bind_scaled_mma(b, form, op, shape);
  op.mode[3] = form.take("satfinite");
  const Type d = form.type(), a = form.type(), bt = form.type(), c = form.type();
  if (c != d || b.operands() != 4) throw Unsupported("accumulator");
  for (size_t k = 0; k < 4; ++k) {
    const auto slots = b.slots(b.operand(k), d == Type::f64 ? Type::b64 : Type::b32, k == 0);
    op.list.insert(op.list.end(), slots.begin(), slots.end());
    if (k == 1) op.mode[0] = int(slots.size());
    if (k == 2) op.mode[1] = int(slots.size());
    if (k == 3) op.mode[2] = int(slots.size());
  }
  b.collective_all(op);
  if (shape == "m8n8k4" && d == Type::f64 && a == d && bt == d) {
    if (op.list.size() != 6) throw Unsupported("number of registers");
    op.run = multiply_double;
    return;
  }
  const std::string prefix = "m16n8k";
  op.run = pick(a, bt);
  if (!op.run || shape.rfind(prefix, 0) != 0) throw Unsupported("shape or types");
  const int depth = std::stoi(shape.substr(prefix.size()));
  const int bits = a == Type::tf32                     ? 32
                   : a == Type::f16 || a == Type::bf16 ? 16
                   : a == Type::s4 || a == Type::u4    ? 4
                                                       : 8;
  const bool whole = bits <= 8 && a != Type::e4m3 && a != Type::e5m2;
  op.imm = d == Type::f32 ? 0 : d == Type::f16 ? 1 : d == Type::s32 ? 2 : -1;
  if (op.imm < 0 || whole != (op.imm == 2)) throw Unsupported("accumulator");
  if (op.mode[0] != depth * bits / 64 || op.mode[1] != depth * bits / 128 ||
      op.mode[2] != (op.imm == 1 ? 2 : 4) || depth * bits > 256)
    throw Unsupported("number of registers");
}

constexpr OpcodeRow kRows[] = {{"ldmatrix", bind_matrices<false>},
                               {"stmatrix", bind_matrices<true>},
                               {"movmatrix", bind_movmatrix},
                               {"mma", bind_mma}};

}  // namespace

std::span<const OpcodeRow> matrix_opcodes() { return kRows; }

}  // namespace ptxrun
