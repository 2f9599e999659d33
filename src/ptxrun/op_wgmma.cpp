// wgmma: four warps multiply matrices together, asynchronously.
//
// Each warp computes its own 16 of the 64 rows. The accumulators change at the issue (eager) or
// when one of the four warps waits (lazy); until then nobody may touch them, nor the shared memory
// that is read. A product is done when all four warps have issued it and their rows are there: one
// warp that has waited may tell others, on behalf of all four, that shared memory is free again.
#include <deque>

#include "async.h"
#include "bind.h"
#include "check.h"
#include "flight.h"
#include "matrix.h"
#include "number.h"

namespace ptxrun {

struct Product {
  const Op* op = nullptr;
  uint64_t a = 0, b = 0;  // descriptors
  bool accumulates = false, done = false;
};
struct Wgmma {
  std::deque<Product> open;
  std::deque<size_t> groups;  // ends, counted from the front of `open`
  uint32_t commits = 0;       // ever
  uint64_t issued = 0;        // products, ever: the first of `open` is number issued - open.size()
};

namespace {

// list = accumulators, then (mode[2] & 1) four registers of A. a[0], a[1] = descriptors of A and B,
// a[2] = predicate: accumulate. mode[0]: N; mode[1]: types of A, B and D in bytes; mode[2] & 2, &
// 4: A, B negated; & 8, & 16: transposed; & 32: saturated. imm = K.
enum { kFromRegisters = 1, kNegateA = 2, kNegateB = 4, kTransA = 8, kTransB = 16, kSaturate = 32 };
Type type_a(const Op& op) { return Type(op.mode[1] & 255); }
Type type_b(const Op& op) { return Type(op.mode[1] >> 8 & 255); }
Type type_d(const Op& op) { return Type(op.mode[1] >> 16 & 255); }

Wgmma& wgmma_of(Warp& w) {
  if (!w.wgmma) w.wgmma = std::make_shared<Wgmma>();
  return *w.wgmma;
}
size_t accumulators(const Op& op) { return op.list.size() - (op.mode[2] & kFromRegisters ? 4 : 0); }

double element(const Block& block, const SharedMatrix& m, uint32_t i, uint32_t k, uint32_t size,
               Value value) {
  uint32_t bits = 0;
  std::memcpy(&bits, matrix_bytes(block, m.at(i, k, size), size), size);
  return value(bits);
}

// The warp's 16 rows of A, as doubles.
void load_a(Warp& w, const Product& p, double* a) {
  const Op& op = *p.op;
  const uint32_t depth = uint32_t(op.imm), size = uint32_t(size_of(type_a(op)));
  const Value value = value_of(type_a(op));
  if (!(op.mode[2] & kFromRegisters)) {
    const SharedMatrix m = hopper_matrix(p.a, op.mode[2] & kTransA);
    const uint32_t first = uint32_t(w.index % 4) * 16;
    for (uint32_t i = 0; i < 16; ++i)
      for (uint32_t k = 0; k < depth; ++k)
        a[i * depth + k] = element(*w.block, m, first + i, k, size, value);
    return;
  }
  // As for mma: register r of lane l holds (l / 4 + 8 (r & 1), (l % 4 + 4 (r >> 1)) E + e).
  const uint32_t per = 4 / size, first = uint32_t(accumulators(op));
  for (uint32_t r = 0; r < 4; ++r)
    for (uint32_t l = 0; l < kLanes; ++l)
      for (uint32_t e = 0; e < per; ++e)
        a[(l / 4 + 8 * (r & 1)) * depth + (l % 4 + 4 * (r >> 1)) * per + e] =
            value(w.reg<uint32_t>(op.list[first + r].at)[l] >> 8 * size * e);
}

void run(Warp& w, Product& p) {
  const Op& op = *p.op;
  const uint32_t depth = uint32_t(op.imm), n = uint32_t(op.mode[0]);
  const uint32_t size = uint32_t(size_of(type_b(op)));
  const Value value = value_of(type_b(op));
  std::vector<double> a(16 * depth), b(size_t(n) * depth), sums(16 * size_t(n));
  load_a(w, p, a.data());
  const SharedMatrix mb = hopper_matrix(p.b, op.mode[2] & kTransB);
  for (uint32_t j = 0; j < n; ++j)
    for (uint32_t k = 0; k < depth; ++k) b[k * n + j] = element(*w.block, mb, j, k, size, value);
  for (uint32_t i = 0; i < 16; ++i)
    for (uint32_t k = 0; k < depth; ++k)
      for (uint32_t j = 0; j < n; ++j) sums[i * n + j] += a[i * depth + k] * b[k * n + j];
  const bool is_short = size == 1 && type_b(op) != Type::s8 && type_b(op) != Type::u8 &&
                        w.block->launch->report->options().short_accumulators;
  const bool negative = bool(op.mode[2] & kNegateA) != bool(op.mode[2] & kNegateB);
  for (uint32_t l = 0; l < kLanes; ++l)
    for (uint32_t e = 0; e < n / 2; ++e) {
      // element e of lane l: row l / 4 + 8 (e / 2 % 2), column 8 (e / 4) + 2 (l % 4) + e % 2
      const uint32_t row = l / 4 + 8 * (e / 2 % 2), column = 8 * (e / 4) + 2 * (l % 4) + e % 2;
      double sum = sums[row * n + column];
      if (negative) sum = -sum;
      const bool half = type_d(op) == Type::f16;
      uint32_t& d = w.reg<uint32_t>(op.list[half ? e / 2 : e].at)[l];
      if (half) {
        const uint32_t shift = 16 * (e % 2);
        const double old = p.accumulates ? double(f16_value(uint16_t(d >> shift))) : 0;
        d = (d & ~(0xffffu << shift)) | uint32_t(to_f16(add_to_odd(sum, old))) << shift;
      } else if (type_d(op) == Type::s32) {
        int64_t s = int64_t(sum) + (p.accumulates ? int32_t(d) : 0);
        if (op.mode[2] & kSaturate)
          s = std::min<int64_t>(std::max<int64_t>(s, INT32_MIN), INT32_MAX);
        d = uint32_t(s);
      } else {
        const double old = p.accumulates ? double(std::bit_cast<float>(d)) : 0;
        float f = float(add_to_odd(sum, old));
        if (is_short) {
          const double sign = negative ? -1 : 1;  // symmetric: cutting is toward zero
          f = cut_to_float(
              sign * short_sum(a.data() + row * depth, 1, b.data() + column, n, depth, sign * old));
        }
        d = f != f ? 0x7fffffffu : std::bit_cast<uint32_t>(f);
      }
    }
  p.done = true;
}

void touch_shared(Warp& w, const Op& op, const Product& p) {
  Checker* const c = w.block->launch->checker.get();
  if (!c) return;
  Warp& leader = *w.block->warps[size_t(w.index / 4 * 4)];
  const Agent agent = c->group_agent(leader, AgentKind::wgmma, wgmma_of(w).commits + 1);
  auto touch = [&](const SharedMatrix& m, uint32_t first, uint32_t rows, Type t) {
    each_sixteen(m, first, rows, uint32_t(op.imm), uint32_t(size_of(t)), [&](uint32_t address) {
      matrix_bytes(*w.block, address, 16);
      c->async_access(w, op, 0, agent, w.block, address - kSharedBase, 16, false);
    });
  };
  if (!(op.mode[2] & kFromRegisters))
    touch(hopper_matrix(p.a, op.mode[2] & kTransA), uint32_t(w.index % 4) * 16, 16, type_a(op));
  if (w.index % 4 == 0)
    touch(hopper_matrix(p.b, op.mode[2] & kTransB), 0, uint32_t(op.mode[0]), type_b(op));
}

void multiply(Warp& w, const Op& op, uint32_t mask) {
  Wgmma& all = wgmma_of(w);
  if (w.block->warps.size() % 4 && size_t(w.index) / 4 == w.block->warps.size() / 4)
    throw Fault{FaultKind::misuse, "wgmma needs four warps that start at a multiple of four", mask};
  Product p{&op, w.reg<uint64_t>(op.a[0])[0], w.reg<uint64_t>(op.a[1])[0], bool(w.pred(op, 2) & 1)};
  touch_shared(w, op, p);
  for (size_t k = 0; k < op.list.size(); ++k) {
    const bool result = k < accumulators(op);
    if (is_marked(w, op.list[k], Use::unfenced) && (!result || p.accumulates))
      note(w, FaultKind::race,
           "a register of the wgmma was written by an ordinary instruction without wgmma.fence "
           "since",
           mask);
    mark(w, op.list[k], result ? Use::result : Use::source);
  }
  if (runs_now(w) &&
      std::all_of(all.open.begin(), all.open.end(), [](const Product& x) { return x.done; }))
    run(w, p);
  all.open.push_back(p);
  ++all.issued;
  ++w.block->launch->progress;
}
void fence(Warp& w, const Op&, uint32_t) { forget_unfenced(w); }
void commit(Warp& w, const Op&, uint32_t) {
  Wgmma& all = wgmma_of(w);
  all.groups.push_back(all.open.size());
  ++all.commits;
}
// Makes the four warps' products with numbers below `end`; false if one of the warps has not come
// so far.
bool finish(Warp& w, uint64_t end) {
  const size_t first = size_t(w.index / 4 * 4);
  for (size_t k = first; k < first + 4; ++k)
    if (wgmma_of(*w.block->warps[k]).issued < end) return false;
  for (size_t k = first; k < first + 4; ++k) {
    Warp& owner = *w.block->warps[k];
    Wgmma& its = wgmma_of(owner);
    uint64_t number = its.issued - its.open.size();
    for (Product& p : its.open) {
      if (number++ == end) break;
      if (!p.done) run(owner, p);
    }
  }
  return true;
}
// imm = groups that may stay open.
void wait(Warp& w, const Op& op, uint32_t) {
  Wgmma& all = wgmma_of(w);
  const size_t left = size_t(op.imm);
  const size_t ending = all.groups.size() > left ? all.groups.size() - left : 0;
  const size_t done = ending ? all.groups[ending - 1] : 0;
  if (done && !finish(w, all.issued - all.open.size() + done)) {
    w.again = true;
    return;
  }
  all.groups.erase(all.groups.begin(), all.groups.begin() + long(ending));
  for (size_t k = 0; k < done; ++k) {
    const Product& p = all.open.front();
    for (size_t i = 0; i < p.op->list.size(); ++i)
      unmark(w, p.op->list[i], i < accumulators(*p.op) ? Use::result : Use::source);
    all.open.pop_front();
  }
  for (size_t& end : all.groups) end -= done;
  for (const Product& p : all.open)  // those that others still use
    for (size_t i = 0; i < p.op->list.size(); ++i)
      mark(w, p.op->list[i], i < accumulators(*p.op) ? Use::result : Use::source);
  if (Checker* c = w.block->launch->checker.get())
    c->waited(*w.block->warps[size_t(w.index / 4 * 4)], w, AgentKind::wgmma,
              all.commits - uint32_t(all.groups.size()));
}

void bind_multiply(Binder& b, Form& form, Op& op) {
  const std::string shape = form.take_prefix("m64n");
  if (shape.empty()) throw Unsupported("shape");
  const size_t k_at = shape.find('k');
  op.mode[0] = std::atoi(shape.c_str() + 4);
  op.imm = std::atoi(shape.c_str() + k_at + 1);
  if (form.take("satfinite")) op.mode[2] |= kSaturate;
  const Type d = form.type(), a = form.type(), bt = form.type();
  if (!value_of(a) || !value_of(bt) || (d != Type::f32 && d != Type::f16 && d != Type::s32) ||
      op.imm * size_of(a) != 32)
    throw Unsupported("types");
  op.mode[1] = int(a) | int(bt) << 8 | int(d) << 16;
  op.list = b.slots(b.operand(0), Type::b32, true);
  if (op.list.size() != size_t(op.mode[0]) / (d == Type::f16 ? 4 : 2))
    throw Unsupported("number of registers");
  b.also_read(op.list);
  size_t next = 1;
  if (b.operand(next).kind == Operand::Kind::list) {
    const auto registers = b.slots(b.operand(next), Type::b32, false);
    if (registers.size() != 4) throw Unsupported("number of registers");
    op.list.insert(op.list.end(), registers.begin(), registers.end());
    op.mode[2] |= kFromRegisters;
    b.set(op, 0, b.constant(0, 8));
  } else {
    b.in(op, 0, b.operand(next), Type::b64);
  }
  b.in(op, 1, b.operand(next + 1), Type::b64);
  b.in_pred(op, 2, b.operand(next + 2));
  // scales of A and B: 1 or -1; then whether each is transposed, A only from shared memory
  std::vector<int64_t> numbers;
  for (next += 3; next < b.operands(); ++next) numbers.push_back(int64_t(b.operand(next).bits));
  if (numbers.size() > 0 && numbers[0] == -1) op.mode[2] |= kNegateA;
  if (numbers.size() > 1 && numbers[1] == -1) op.mode[2] |= kNegateB;
  const bool both = !(op.mode[2] & kFromRegisters);
  if (numbers.size() > 2 && numbers[2]) op.mode[2] |= both ? kTransA : kTransB;
  if (numbers.size() > 3 && numbers[3]) op.mode[2] |= kTransB;
  op.run = multiply;
}

void bind_wgmma(Binder& b, Form& form, Op& op) {
  b.collective_all(op);
  b.kernel().tracks_registers = true;
  const bool multiplies = form.take("mma_async"), fences = form.take("fence");
  const bool commits = form.take("commit_group"), waits = form.take("wait_group");
  if (!form.take("sync") || !form.take("aligned")) throw Unsupported("form");
  if (multiplies) return bind_multiply(b, form, op);
  if (fences) op.run = fence;
  if (commits) op.run = commit;
  if (waits) op.imm = int64_t(b.operand(0).bits), op.run = wait;
}

constexpr OpcodeRow kRows[] = {{"wgmma", bind_wgmma}};

}  // namespace

std::span<const OpcodeRow> wgmma_opcodes() { return kRows; }

}  // namespace ptxrun
