// tcgen05.mma: a block, or a pair of them, multiplies matrices in shared memory (A also in tensor
// memory) into tensor memory.
#include <algorithm>
#include <bit>

#include "matrix.h"
#include "number.h"
#include "tensor_memory.h"

namespace ptxrun {
namespace {

enum Kind { kF16, kTf32, kF8f6f4, kI8, kMxf8f6f4, kMxf4, kMxf4nvf4 };
constexpr std::string_view kKinds[] = {"kind::f16",      "kind::tf32", "kind::f8f6f4",  "kind::i8",
                                       "kind::mxf8f6f4", "kind::mxf4", "kind::mxf4nvf4"};
constexpr uint32_t kDepths[] = {16, 8, 32, 32, 32, 64, 64};

// What the instruction descriptor and the form say together.
struct Product {
  int kind = 0;
  uint32_t m = 0, n = 0, depth = 0;  // of the whole pair
  Type a = Type::none, b = Type::none, d = Type::f32;
  bool pair = false, accumulates = false, saturates = false;
  bool negate_a = false, negate_b = false, trans_a = false, trans_b = false;
  bool a_in_tensor_memory = false;
  uint32_t d_at = 0, a_at = 0, scale_a = 0, scale_b = 0;  // tensor memory
  uint64_t a_descriptor = 0, b_descriptor = 0;
  uint32_t block = 0, id_a = 0, id_b = 0;  // elements a scale is for; 0: none; first byte of a word
  Type scale = Type::none;
  double scale_d = 1;
  std::array<uint32_t, 8> disabled{};  // lanes

  uint32_t rows() const { return pair ? m / 2 : m; }    // of A and D in a block
  uint32_t b_rows() const { return pair ? n / 2 : n; }  // of B in a block
  bool halved() const { return pair && m == 128; }      // D: half of the columns in lanes 64 up
  uint32_t columns() const { return halved() ? n / 2 : n; }  // of D
  bool packed() const { return kind >= kMxf4; }              // two elements to a byte
};

[[noreturn]] void bad(const std::string& what) {
  throw Fault{FaultKind::misuse, "tcgen05.mma: " + what, 0};
}
Type operand_type(int kind, uint32_t code) {
  constexpr Type kNarrow[] = {Type::e4m3, Type::e5m2, Type::none,
                              Type::e2m3, Type::e3m2, Type::e2m1};
  Type t = Type::none;
  if (kind == kF16 && code < 2) t = code ? Type::bf16 : Type::f16;
  if (kind == kTf32 && code == 2) t = Type::tf32;
  if ((kind == kF8f6f4 || kind == kMxf8f6f4) && code < 6) t = kNarrow[code];
  if (kind == kI8 && code < 2) t = code ? Type::s8 : Type::u8;
  if (kind >= kMxf4 && code == 1) t = Type::e2m1;
  if (t == Type::none)
    bad("element type " + std::to_string(code) + " in the instruction descriptor");
  return t;
}

// Bits: 2 sparse, 4-5 type of D or scale id of B, 7-9 and 10-12 types of A and B, 13 and 14
// negations, 15 and 16 transpositions, 17-22 N / 8, 23 type of scales, 24-28 M / 16, 29-30 scale id
// of A.
void read_descriptor(Product& p, uint32_t i) {
  if (i >> 2 & 1) bad("sparse matrices, which this executor does not have");
  p.a = operand_type(p.kind, i >> 7 & 7), p.b = operand_type(p.kind, i >> 10 & 7);
  p.negate_a = i >> 13 & 1, p.negate_b = i >> 14 & 1;
  p.trans_a = i >> 15 & 1, p.trans_b = i >> 16 & 1;
  p.n = (i >> 17 & 63) * 8, p.m = (i >> 24 & 31) * 16;
  p.depth = kDepths[p.kind];
  if (p.block) {
    p.id_b = i >> 4 & 3, p.id_a = i >> 29 & 3;
    p.scale = i >> 23 & 1 ? Type::ue8m0 : Type::ue4m3;
    if (p.scale == Type::ue4m3 && p.kind != kMxf4nvf4)
      bad("ue4m3 scales for a kind that takes ue8m0");
  } else {
    const uint32_t d = i >> 4 & 3;
    p.d = d == 0 ? Type::f16 : d == 1 ? Type::f32 : Type::s32;
    if ((p.d == Type::s32) != (p.kind == kI8) || (p.d == Type::f16 && p.kind == kTf32))
      bad("type of D " + std::to_string(d) + " in the instruction descriptor");
    p.saturates = i >> 3 & 1;
  }
  const bool good_m = p.pair ? p.m == 128 || p.m == 256 : p.m == 128 || (p.m == 64 && !p.block);
  const uint32_t step = p.pair ? (p.m == 256 ? 16 : 32) : p.m == 64 ? 8 : 16;
  if (!good_m || p.n == 0 || p.n > 256 || p.n % step)
    bad("shape M = " + std::to_string(p.m) + ", N = " + std::to_string(p.n));
}

// Element (i, k) in shared memory. Bytes, halves and words lie as they are; 4-bit elements of the
// mxf4 kinds two to a byte; 4- and 6-bit elements of the others as sixteen, packed, at the begin of
// 16 bytes.
double element(const Block& block, const SharedMatrix& m, Type t, bool packed, uint32_t i,
               uint32_t k) {
  const Value value = value_of(t);
  uint32_t bits = 0;
  if (packed) return value(*matrix_bytes(block, m.at(i, k / 2, 1), 1) >> 4 * (k & 1) & 15);
  const uint32_t width = t == Type::e2m1 ? 4 : t == Type::e2m3 || t == Type::e3m2 ? 6 : 0;
  if (width == 0) {
    const uint32_t size = uint32_t(size_of(t));
    std::memcpy(&bits, matrix_bytes(block, m.at(i, k, size), size), size);
    return value(bits);
  }
  const uint32_t e = (m.mn_major ? i : k) % 16, bit = e * width;
  const uint32_t start = m.mn_major ? m.at(i - e, k, 1) : m.at(i, k - e, 1);
  std::memcpy(&bits, matrix_bytes(block, start + bit / 8, 2), 2);
  return value(bits >> bit % 8 & ((1u << width) - 1));
}
double tensor_element(Block& block, Type t, uint32_t at, uint32_t lane, uint32_t k) {
  const uint32_t size = uint32_t(size_of(t)), per = 4 / size;
  return value_of(t)(tensor_memory_of(block).at(lane, tensor_address(at).column + k / per) >>
                     8 * size * (k % per));
}
// Row r's scale for block kb of the elements: four to a word, rows 32 to a column.
double scale_of(Block& block, const Product& p, uint32_t at, uint32_t id, uint32_t r, uint32_t kb) {
  const uint32_t word = tensor_memory_of(block).at(r % 32, tensor_address(at).column + r / 32);
  return value_of(p.scale)(word >> 8 * (id + kb) & 255);
}
// The lane of tensor memory that holds row r of D, for its column j.
uint32_t lane_of(const Product& p, uint32_t r, uint32_t j) {
  if (p.halved()) return r + (j < p.n / 2 ? 0 : 64);
  return p.rows() == 64 ? r / 16 * 32 + r % 16 : r;
}

void store(const Product& p, uint32_t& d, double sum) {
  if (p.d == Type::s32) {
    int64_t s = int64_t(sum) + (p.accumulates ? int32_t(d) : 0);
    if (p.saturates) s = std::min<int64_t>(std::max<int64_t>(s, INT32_MIN), INT32_MAX);
    d = uint32_t(s);
  } else if (p.d == Type::f16) {
    const double old = p.accumulates ? f16_value(uint16_t(d)) * p.scale_d : 0;
    d = to_f16(add_to_odd(sum, old));
  } else {
    const double old = p.accumulates ? std::bit_cast<float>(d) * p.scale_d : 0;
    const float f = float(add_to_odd(sum, old));
    d = f != f ? 0x7fffffffu : std::bit_cast<uint32_t>(f);
  }
}

void run(const std::vector<Block*>& group, const Product& p) {
  const SharedMatrix ma =
      p.a_in_tensor_memory ? SharedMatrix{} : blackwell_matrix(p.a_descriptor, p.trans_a);
  const SharedMatrix mb = blackwell_matrix(p.b_descriptor, p.trans_b);
  std::vector<double> b(size_t(p.n) * p.depth), sums(p.n);
  auto block_of = [&](uint32_t k) { return p.block ? k / p.block : 0; };
  for (uint32_t j = 0; j < p.n; ++j) {
    Block& owner = *group[j / p.b_rows()];
    for (uint32_t k = 0; k < p.depth; ++k) {
      double v = element(owner, mb, p.b, p.packed(), j % p.b_rows(), k);
      if (p.block) v *= scale_of(*group[0], p, p.scale_b, p.id_b, j, block_of(k));
      b[k * p.n + j] = p.negate_b ? -v : v;
    }
  }
  for (size_t g = 0; g < group.size(); ++g) {
    Block& block = *group[g];
    TensorMemory& t = tensor_memory_of(block);
    for (uint32_t r = 0; r < p.rows(); ++r) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (uint32_t k = 0; k < p.depth; ++k) {
        double v = p.a_in_tensor_memory ? tensor_element(block, p.a, p.a_at, lane_of(p, r, 0), k)
                                        : element(block, ma, p.a, p.packed(), r, k);
        if (p.block) v *= scale_of(block, p, p.scale_a, p.id_a, r, block_of(k));
        if (p.negate_a) v = -v;
        for (uint32_t j = 0; j < p.n; ++j) sums[j] += v * b[k * p.n + j];
      }
      for (uint32_t j = 0; j < p.n; ++j) {
        const uint32_t lane = lane_of(p, r, j);
        if (p.disabled[4 * g + lane / 32] >> lane % 32 & 1) continue;
        store(p, t.at(lane, tensor_address(p.d_at).column + j % p.columns()), sums[j]);
      }
    }
  }
}

void touch(Warp& w, const Op& op, const std::vector<Block*>& group, const Product& p, int l) {
  Checker* const c = w.block->launch->checker.get();
  const Agent agent = c ? c->agent(w, AgentKind::tensor_core) : Agent{};
  auto shared = [&](Block& b, uint64_t descriptor, bool mn_major, uint32_t rows, Type t) {
    const uint32_t size = uint32_t(size_of(t));
    const uint32_t columns = p.packed() ? p.depth / 2 : p.depth;
    each_sixteen(blackwell_matrix(descriptor, mn_major), 0, rows, columns, size, [&](uint32_t at) {
      matrix_bytes(b, at, 16);
      if (c) c->async_access(w, op, l, agent, &b, at - kSharedBase, 16, false);
    });
  };
  for (Block* b : group) {
    if (p.a_in_tensor_memory)
      touch_tensor(w, op, agent, *b, 0, 128, tensor_address(p.a_at).column,
                   p.depth * uint32_t(size_of(p.a)) / 4, false);
    else
      shared(*b, p.a_descriptor, p.trans_a, p.rows(), p.a);
    shared(*b, p.b_descriptor, p.trans_b, p.b_rows(), p.b);
    const uint32_t column = tensor_address(p.d_at).column;
    if (p.accumulates) touch_tensor(w, op, agent, *b, 0, 128, column, p.columns(), false);
    touch_tensor(w, op, agent, *b, 0, 128, column, p.columns(), true);
    if (!p.block) continue;
    touch_tensor(w, op, agent, *b, 0, 32, tensor_address(p.scale_a).column, (p.rows() + 31) / 32,
                 false);
    touch_tensor(w, op, agent, *b, 0, 32, tensor_address(p.scale_b).column, (p.n + 31) / 32, false);
  }
}

// a: D, A, B, descriptor, predicate; list: scales of A and B, or the lanes that keep D. imm: kind,
// | 8 pair, | 16 A in tensor memory; mode[0]: elements a scale is for; mode[1]: 2^-n of D; mode[2],
// mode[3]: offsets of D and A.
void multiply(Warp& w, const Op& op, uint32_t mask) {
  const int l = std::countr_zero(mask);
  Product p;
  p.kind = int(op.imm & 7), p.pair = op.imm & 8, p.a_in_tensor_memory = op.imm & 16;
  p.block = uint32_t(op.mode[0]);
  read_descriptor(p, w.reg<uint32_t>(op.a[3])[l]);
  p.d_at = w.reg<uint32_t>(op.a[0])[l] + uint32_t(op.mode[2]);
  if (p.a_in_tensor_memory)
    p.a_at = w.reg<uint32_t>(op.a[1])[l] + uint32_t(op.mode[3]);
  else
    p.a_descriptor = w.reg<uint64_t>(op.a[1])[l];
  p.b_descriptor = w.reg<uint64_t>(op.a[2])[l];
  p.accumulates = w.pred(op, 4) >> l & 1;
  p.scale_d = power_of_two(-op.mode[1]);
  if (p.block)
    p.scale_a = w.reg<uint32_t>(op.list[0].at)[l], p.scale_b = w.reg<uint32_t>(op.list[1].at)[l];
  else
    for (size_t k = 0; k < op.list.size(); ++k) p.disabled[k] = w.reg<uint32_t>(op.list[k].at)[l];
  const std::vector<Block*> group = tensor_group(w, p.pair);
  touch(w, op, group, p, l);
  issue_tensor(w, op, l, [group, p] { run(group, p); });
}

}  // namespace

void bind_tensor_mma(Binder& b, Form& form, Op& op, bool pair) {
  int kind = -1;
  for (int k = 0; k < 7; ++k)
    if (form.take(kKinds[k])) kind = k;
  if (kind < 0) throw Unsupported("kind");
  const bool scaled = form.take("block_scale");
  if (scaled != (kind >= kMxf8f6f4)) throw Unsupported("scales");
  if (scaled) {
    const uint32_t usual = kind == kMxf4nvf4 ? 16 : 32;
    op.mode[0] = int(usual);
    if (form.take("scale_vec::1X") || form.take("scale_vec::2X") || form.take("block32"))
      op.mode[0] = 32;
    if (form.take("scale_vec::4X") || form.take("block16")) op.mode[0] = 16;
    if (kind != kMxf4nvf4 && op.mode[0] != 32) throw Unsupported("scale vector");
  }
  // reuse of operands that a GPU keeps at hand
  while (!form.take_prefix("collector::").empty()) {
  }
  b.address(op, 0, b.operand(0));
  op.mode[2] = int32_t(op.imm);
  op.imm = kind | (pair ? 8 : 0);
  if (b.operand(1).kind == Operand::Kind::address) {
    const int64_t form_bits = op.imm;
    b.address(op, 1, b.operand(1));
    op.mode[3] = int32_t(op.imm);
    op.imm = form_bits | 16;
  } else {
    b.in(op, 1, b.operand(1), Type::b64);
  }
  b.in(op, 2, b.operand(2), Type::b64), b.in(op, 3, b.operand(3), Type::b32);
  size_t next = 4;
  if (scaled) {
    for (; next < 6; ++next) {
      const Operand& o = b.operand(next);
      if (o.kind != Operand::Kind::address || o.bits) throw Unsupported("address of scales");
      op.list.push_back(b.source(o.list[0], Type::b32));
    }
  } else if (b.operand(next).kind == Operand::Kind::list) {
    op.list = b.slots(b.operand(next++), Type::b32, false);
  }
  b.in_pred(op, 4, b.operand(next++));
  if (next < b.operands()) op.mode[1] = int(b.operand(next).bits);
  op.run = multiply;
}

}  // namespace ptxrun
