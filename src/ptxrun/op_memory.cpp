// ld, st and what only hints: prefetch, discard, cache policies.
#include "access.h"
#include "bind.h"

namespace ptxrun {
namespace {

int64_t sign_extend(int64_t v, size_t bytes) {
  const int shift = 64 - 8 * int(bytes);
  return int64_t(uint64_t(v) << shift) >> shift;
}

bool is_four_words(const Op& op) {
  if (op.elements != 4) return false;
  for (size_t k = 0; k < 4; ++k)
    if (op.list[k].size != 4) return false;
  return true;
}
// 16 bytes of every lane into four registers: transposed by fours.
void load_four_words(Warp& w, const Op& op, const Access& a) {
  typedef uint32_t Four __attribute__((vector_size(16)));
  for (int l = 0; l < kLanes; l += 4) {
    Four v[4];
    for (int i = 0; i < 4; ++i) std::memcpy(&v[i], a.data[l + i], sizeof v[i]);
    const Four low0 = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
    const Four low1 = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    const Four high0 = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    const Four high1 = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    const Four out[4] = {__builtin_shufflevector(low0, low1, 0, 1, 4, 5),
                         __builtin_shufflevector(low0, low1, 2, 3, 6, 7),
                         __builtin_shufflevector(high0, high1, 0, 1, 4, 5),
                         __builtin_shufflevector(high0, high1, 2, 3, 6, 7)};
    for (size_t k = 0; k < 4; ++k)
      std::memcpy(w.reg<uint32_t>(op.list[k].at) + l, &out[k], sizeof out[k]);
  }
}
// Registers may be wider than the element: loads extend (mode[1]: with the sign), stores take the
// low bytes. a[0] = address, list = data registers, elements of op.mode[2] bytes.
template <int Size>
void load(Warp& w, const Op& op, uint32_t mask) {
  Access a;
  a.bytes = Size * op.elements, a.order = Order(op.mode[0]);
  locate(w, op, mask, 0, a);
  if (Size == 4 && mask == kAll && is_four_words(op)) return load_four_words(w, op, a);
  for (size_t k = 0; k < op.elements; ++k) {
    const Slot s = op.list[k];
    uint8_t* d = w.registers.data() + s.at;
    if (s.size == Size) {
      each_lane(mask, [&](int l) { std::memcpy(d + l * Size, a.data[l] + k * Size, Size); });
      continue;
    }
    each_lane(mask, [&](int l) {
      int64_t v = 0;
      std::memcpy(&v, a.data[l] + k * Size, Size < 8 ? Size : 8);
      if (Size < 8 && op.mode[1]) v = sign_extend(v, Size);
      std::memcpy(d + size_t(l) * s.size, &v, s.size);
    });
  }
}
template <int Size>
void store(Warp& w, const Op& op, uint32_t mask) {
  Access a;
  a.bytes = Size * op.elements, a.order = Order(op.mode[0]), a.write = true, a.read = false;
  locate(w, op, mask, 0, a);
  bool changed = false;
  for (size_t k = 0; k < op.elements; ++k) {
    const Slot s = op.list[k];
    const uint8_t* d = w.registers.data() + s.at;
    each_lane(mask, [&](int l) {
      uint8_t* to = a.data[l] + k * Size;
      const uint8_t* from = d + size_t(l) * s.size;
      changed |= std::memcmp(to, from, Size) != 0;
      std::memcpy(to, from, Size);
    });
  }
  if (changed) ++w.block->launch->progress;
}
Handler pick(bool write, int size) {
  switch (size) {
    case 1:
      return write ? store<1> : load<1>;
    case 2:
      return write ? store<2> : load<2>;
    case 4:
      return write ? store<4> : load<4>;
    case 8:
      return write ? store<8> : load<8>;
    default:
      return write ? store<16> : load<16>;
  }
}

// Parameters of a function: bytes of each lane, not memory. a[0] = place, imm = offset, mode[3] =
// bytes a lane.
template <bool Write>
void function_param(Warp& w, const Op& op, uint32_t mask) {
  const size_t size = size_t(op.mode[2]);
  for (size_t k = 0; k < op.elements; ++k) {
    const Slot s = op.list[k];
    each_lane(mask, [&](int l) {
      uint8_t* p =
          w.registers.data() + op.a[0] + size_t(l) * size_t(op.mode[3]) + size_t(op.imm) + k * size;
      uint8_t* r = w.registers.data() + s.at + size_t(l) * s.size;
      if (Write) {
        std::memcpy(p, r, size);
      } else {
        int64_t v[2] = {};
        std::memcpy(v, p, size);
        if (op.mode[1] && size < 8) v[0] = sign_extend(v[0], size);
        std::memcpy(r, v, s.size);
      }
    });
  }
}
// A parameter of the kernel at a fixed place: the same for every lane, and never a fault.
void kernel_param(Warp& w, const Op& op, uint32_t mask) {
  const size_t size = size_t(op.mode[2]);
  const uint8_t* p = w.block->launch->params.data() + op.imm;
  for (size_t k = 0; k < op.elements; ++k) {
    const Slot s = op.list[k];
    int64_t v[2] = {};
    std::memcpy(v, p + k * size, size);
    if (op.mode[1] && size < 8) v[0] = sign_extend(v[0], size);
    if (s.size == 16)
      each_lane(mask, [&](int l) { std::memcpy(w.registers.data() + s.at + l * 16, v, 16); });
    else
      fill(w, s, mask, uint64_t(v[0]));
  }
}

// Modifiers that change no result: caching, prefetching, and scopes, since every order is global.
void take_hints(Form& form) {
  form.take_any({"ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "cta", "cluster", "gpu", "sys"});
  while (!form.take_prefix("L1::").empty() || !form.take_prefix("L2::").empty()) {
  }
}
Order take_order(Form& form) {
  if (form.take("volatile") || form.take("relaxed") || form.take("mmio")) {
    form.take("relaxed");
    return Order::relaxed;
  }
  if (form.take("acquire")) return Order::acquire;
  if (form.take("release")) return Order::release;
  form.take("weak");
  return Order::plain;
}
Space take_space(Form& form) {
  if (form.take("global")) return Space::global;
  if (form.take("shared") || form.take("shared::cta")) return Space::shared;
  if (form.take("shared::cluster")) return Space::cluster;
  if (form.take("local")) return Space::local;
  if (form.take("const")) return Space::constant;
  if (form.take("param") || form.take("param::entry") || form.take("param::func"))
    return Space::param;
  return Space::generic;
}

template <bool Write>
void bind_access(Binder& b, Form& form, Op& op) {
  op.mode[0] = int(take_order(form));
  op.space = take_space(form);
  take_hints(form);
  op.elements = form.take("v2") ? 2 : form.take("v4") ? 4 : form.take("v8") ? 8 : 1;
  const Type t = form.type();
  const int size = size_of(t);
  if (size == 0) throw Unsupported("type");
  op.mode[1] = is_signed(t), op.mode[2] = size;
  const Operand &place = b.operand(Write ? 0 : 1), &data = b.operand(Write ? 1 : 0);
  op.list = b.slots(data, t, !Write, true);
  if (op.list.size() != op.elements) throw Unsupported("number of registers");
  if (place.kind != Operand::Kind::address) throw Unsupported("address");
  const Operand& base = place.list[0];
  if (op.space == Space::param && base.kind == Operand::Kind::variable) {
    const auto p = b.param(base.variable);
    op.imm = int64_t(place.bits) + (p.of_kernel ? p.at : 0);
    if (uint64_t(place.bits) + uint64_t(size) * op.elements > p.bytes)
      throw Unsupported("access past the end of parameter " + base.name);
    op.a[0] = p.at, op.mode[3] = int(p.bytes);
    if (p.of_kernel && Write) throw Unsupported("write to a kernel parameter");
    op.run = p.of_kernel ? kernel_param : function_param<Write>;
    return;
  }
  b.address(op, 0, place);
  op.run = pick(Write, size);
}

void nothing(Warp&, const Op&, uint32_t) {}
void bind_hint(Binder&, Form& form, Op& op) {
  form.take_any({"global", "local", "const", "param", "tensormap", "generic", "range", "fractional",
                 "L1", "L2"});
  take_hints(form);
  while (form.take_type() != Type::none) {
  }
  op.run = nothing;
}
// A cache policy is a value that nobody looks at.
void bind_policy(Binder& b, Form& form, Op& op) {
  bind_hint(b, form, op);
  b.out(op, 0, b.operand(0), Type::b64);
  op.run = [](Warp& w, const Op& o, uint32_t m) {
    each_lane(m, [&](int l) { w.reg<uint64_t>(o.a[0])[l] = 0; });
  };
}

constexpr OpcodeRow kRows[] = {
    {"ld", bind_access<false>},   {"ldu", bind_access<false>},   {"st", bind_access<true>},
    {"prefetch", bind_hint},      {"prefetchu", bind_hint},      {"discard", bind_hint},
    {"applypriority", bind_hint}, {"createpolicy", bind_policy},
};

}  // namespace

std::span<const OpcodeRow> memory_opcodes() { return kRows; }

}  // namespace ptxrun
