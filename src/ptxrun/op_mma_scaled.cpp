// mma.sync of the kinds f8f6f4, mxf8f6f4, mxf4 and mxf4nvf4: narrow formats mixed, and scales for
// blocks of 16 or 32 elements.
#include "op_mma_scaled.h"
#include "matrix.h"
#include "number.h"

namespace ptxrun {
namespace {

// list: D, A, B, C (four, four, two and four registers), then with scales: of A, byte, thread, of
// B, byte, thread. mode[0]: K; mode[1]: types of A, B and scales in bytes; mode[2]: elements a
// scale is for, 0: none. D is f32, or (mode[3]) f16 in two registers.
constexpr int kRows = 16, kColumns = 8;

// Registers hold K = 64 as nibbles, K = 32 as bytes: a 6-bit number in the low bits of its byte, a
// 4-bit one in the middle.
uint32_t element_of(uint32_t word, uint32_t e, bool nibbles, Type t) {
  if (nibbles) return word >> 4 * e & 15;
  const uint32_t byte = word >> 8 * e & 255;
  return t == Type::e2m1 ? byte >> 2 & 15 : byte;
}

// Scales: row r of A has them in lane 4 (r % 8) + 2 thread + r / 8, column c of B in lane 4 c +
// thread; byte `byte` of the register and up.
double scale_at(Warp& w, const Op& op, size_t first, Value value, int lane, uint32_t k) {
  const uint32_t byte = w.reg<uint16_t>(op.list[first + 1].at)[lane];
  return value(w.reg<uint32_t>(op.list[first].at)[lane] >> 8 * (byte + k) & 255);
}
void check_selectors(Warp& w, const Op& op, size_t first, uint32_t threads) {
  const uint32_t byte = w.reg<uint16_t>(op.list[first + 1].at)[0],
                 thread = w.reg<uint16_t>(op.list[first + 2].at)[0];
  const uint32_t blocks = uint32_t(op.mode[0] / op.mode[2]);
  if (thread >= threads || byte % blocks || byte + blocks > 4)
    throw Fault{
        FaultKind::misuse,
        "scale selectors byte " + std::to_string(byte) + " and thread " + std::to_string(thread),
        kAll};
}

void multiply(Warp& w, const Op& op, uint32_t) {
  const int depth = op.mode[0];
  const bool nibbles = depth == 64;
  const int per = nibbles ? 8 : 4;  // elements in a register
  const Type ta = Type(op.mode[1] & 255), tb = Type(op.mode[1] >> 8 & 255);
  const Value va = value_of(ta), vb = value_of(tb);
  const size_t nd = op.mode[3] ? 2 : 4, first_a = nd, first_b = nd + 4, first_c = nd + 6,
               scales = 2 * nd + 6;
  double a[kRows][64], b[64][kColumns];
  auto reg = [&](size_t k) { return w.reg<uint32_t>(op.list[k].at); };
  for (int l = 0; l < kLanes; ++l)
    for (int e = 0; e < per; ++e) {
      const int g = l / 4, t = l % 4;
      for (int r = 0; r < 4; ++r)
        a[g + 8 * (r & 1)][t * per + e + (r >> 1) * 4 * per] =
            va(element_of(reg(first_a + size_t(r))[l], uint32_t(e), nibbles, ta));
      for (int r = 0; r < 2; ++r)
        b[t * per + e + r * 4 * per][g] =
            vb(element_of(reg(first_b + size_t(r))[l], uint32_t(e), nibbles, tb));
    }
  if (op.mode[2]) {
    check_selectors(w, op, scales, 2), check_selectors(w, op, scales + 3, 4);
    const Value value = value_of(Type(op.mode[1] >> 16 & 255));
    const int thread_a = w.reg<uint16_t>(op.list[scales + 2].at)[0],
              thread_b = w.reg<uint16_t>(op.list[scales + 5].at)[0];
    for (int k = 0; k < depth; ++k) {
      const uint32_t block = uint32_t(k / op.mode[2]);
      for (int r = 0; r < kRows; ++r)
        a[r][k] *= scale_at(w, op, scales, value, 4 * (r % 8) + 2 * thread_a + r / 8, block);
      for (int c = 0; c < kColumns; ++c)
        b[k][c] *= scale_at(w, op, scales + 3, value, 4 * c + thread_b, block);
    }
  }
  for (int l = 0; l < kLanes; ++l)
    for (int i = 0; i < 4; ++i) {
      const int row = l / 4 + 8 * (i >> 1), column = 2 * (l % 4) + (i & 1);
      double sum = 0;
      for (int k = 0; k < depth; ++k) sum += a[row][k] * b[k][column];
      if (op.mode[3]) {
        const int shift = 16 * (i & 1);
        const uint32_t old = reg(first_c + size_t(i / 2))[l] >> shift & 0xffff;
        uint32_t& d = reg(size_t(i / 2))[l];
        d = (d & ~(0xffffu << shift)) | uint32_t(to_f16(add_to_odd(sum, f16_value(uint16_t(old)))))
                                            << shift;
      } else {
        const float f = float(add_to_odd(sum, std::bit_cast<float>(reg(first_c + size_t(i))[l])));
        reg(size_t(i))[l] = f != f ? 0x7fffffffu : std::bit_cast<uint32_t>(f);
      }
    }
}

}  // namespace

void bind_scaled_mma(Binder& b, Form& form, Op& op, const std::string& shape) {
  const bool plain = form.take("kind::f8f6f4"), bytes = form.take("kind::mxf8f6f4");
  const bool fours = form.take("kind::mxf4"), nv = form.take("kind::mxf4nvf4");
  if (!plain && !bytes && !fours && !nv) throw Unsupported("kind");
  op.mode[0] = fours || nv ? 64 : 32;
  if (shape != (op.mode[0] == 64 ? "m16n8k64" : "m16n8k32")) throw Unsupported("shape");
  if (!plain) {
    if (!form.take("block_scale")) throw Unsupported("scales");
    op.mode[2] = nv ? 16 : 32;
    if (form.take("scale_vec::1X") && !bytes) throw Unsupported("scale vector");
    if (form.take("scale_vec::2X")) op.mode[2] = 32;
    if (form.take("scale_vec::4X") && !nv) throw Unsupported("scale vector");
  }
  const Type d = form.type(), ta = form.type(), tb = form.type(), c = form.type();
  const Type scale = plain ? Type::ue8m0 : form.type();
  auto narrow = [&](Type t) {
    return t == Type::e2m1 || (op.mode[0] == 32 && (t == Type::e4m3 || t == Type::e5m2 ||
                                                    t == Type::e2m3 || t == Type::e3m2));
  };
  if (!narrow(ta) || !narrow(tb) || c != d || (d != Type::f32 && !(plain && d == Type::f16)) ||
      (scale != Type::ue8m0 && !(nv && scale == Type::ue4m3)))
    throw Unsupported("types");
  op.mode[1] = int(ta) | int(tb) << 8 | int(scale) << 16;
  op.mode[3] = d == Type::f16;
  const size_t counts[] = {op.mode[3] ? size_t(2) : 4, 4, 2, op.mode[3] ? size_t(2) : 4};
  for (size_t k = 0; k < 4; ++k) {
    const auto slots = b.slots(b.operand(k), Type::b32, k == 0);
    if (slots.size() != counts[k]) throw Unsupported("number of registers");
    op.list.insert(op.list.end(), slots.begin(), slots.end());
  }
  for (size_t k = 4; !plain && k < 8; k += 2) {
    op.list.push_back(b.slots(b.operand(k), Type::b32, false).at(0));
    const auto selectors = b.slots(b.operand(k + 1), Type::b16, false);
    if (selectors.size() != 2) throw Unsupported("selectors");
    op.list.insert(op.list.end(), selectors.begin(), selectors.end());
  }
  op.run = multiply;
  b.collective_all(op);
}

}  // namespace ptxrun
