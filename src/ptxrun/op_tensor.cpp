// cp.async.bulk.tensor and cp.reduce.async.bulk.tensor: boxes of tensors of 1 to 5 dimensions.
#include <bit>

#include "bulk.h"
#include "check.h"
#include "tensor_map.h"

namespace ptxrun {
namespace {

struct Box {
  TensorMap map;
  std::array<std::array<int32_t, 5>, 4> origins{};  // one, or four rows of gather and scatter
  int parts = 1;
  uint32_t bytes() const { return map.box_bytes() * uint32_t(parts); }
};

// a[1] = address of the map, list = coordinates. mode[1]: dimensions; mode[2] & 2: four rows.
Box box_of(Warp& w, const Op& op, int l) {
  Box box;
  box.map = tensor_map_at(w, op, lane_address(w, op, 1, op.mode[0], l), l);
  if (box.map.rank != op.mode[1])
    throw Fault{FaultKind::misuse,
                "an instruction for " + std::to_string(op.mode[1]) +
                    " dimensions, but a tensor map of " + std::to_string(box.map.rank),
                1u << l};
  auto coordinate = [&](size_t k) { return w.reg<int32_t>(op.list[k].at)[l]; };
  const bool rows = op.mode[2] & 2;
  if (!rows) {
    for (size_t d = 0; d < op.list.size(); ++d) box.origins[0][d] = coordinate(d);
    return box;
  }
  if (box.map.box[1] != 1)
    throw Fault{FaultKind::misuse, "gather4 and scatter4 want a box of one row", 1u << l};
  box.parts = 4;
  for (size_t k = 0; k < 4; ++k) box.origins[k] = {coordinate(0), coordinate(k + 1)};
  return box;
}

// Outside of the tensor: 0, or the not-a-number of the element's type.
void fill(const TensorMap& m, uint8_t* to, uint32_t bytes) {
  if (!m.nan_fill) {
    std::memset(to, 0, bytes);
    return;
  }
  const uint32_t nan = m.element_bytes == 2 ? 0x7fff7fffu : 0x7fffffffu;
  for (uint32_t k = 0; k + 4 <= bytes; k += 4) std::memcpy(to + k, &nan, 4);
}
struct Bits {
  uint32_t per_element, step;
  explicit Bits(const TensorMap& m)
      : per_element(m.packed ? 4u : 8u * m.element_bytes), step(m.step[0]) {}
};
uint32_t run_bytes(const TensorMap& m, const BoxRow& r) {
  return (r.end - r.first) * Bits(m).per_element / 8;
}
// Bytes of the tensor that a row spans.
uint64_t span_bytes(const TensorMap& m, const BoxRow& r) {
  return ((uint64_t(r.end - r.first) - 1) * m.step[0] + 1) * Bits(m).per_element / 8;
}

using Row = std::function<void(const BoxRow&, uint32_t part_at)>;
void each_part(const Box& box, const Row& f) {
  for (int p = 0; p < box.parts; ++p)
    each_row(box.map, box.origins[size_t(p)],
             [&](const BoxRow& r) { f(r, uint32_t(p) * box.map.box_bytes()); });
}

// The tensor's bytes as the box in order, without the swizzle.
std::vector<uint8_t> gather(Warp& w, const Box& box, int l) {
  const TensorMap& m = box.map;
  std::vector<uint8_t> out(box.bytes());
  fill(m, out.data(), box.bytes());
  each_part(box, [&](const BoxRow& r, uint32_t at) {
    if (r.first == r.end) return;
    const uint8_t* from = global_bytes(w, r.address, span_bytes(m, r), l, false);
    uint8_t* to = out.data() + at + r.at + r.first * Bits(m).per_element / 8;
    if (m.step[0] == 1) {
      std::memcpy(to, from, run_bytes(m, r));
      return;
    }
    for (uint32_t e = 0; e < r.end - r.first; ++e)
      std::memcpy(to + e * m.element_bytes, from + size_t(e) * m.step[0] * m.element_bytes,
                  m.element_bytes);
  });
  return out;
}
// Pieces of 16 bytes between the box in order and shared memory.
template <class F>
void each_piece(const TensorMap& m, uint32_t offset, uint32_t bytes, F&& f) {
  for (uint32_t k = 0; k < bytes; k += 16)
    f(swizzled(offset + kSharedBase + k, m.swizzle) - kSharedBase, k);
}
void scatter(Warp& w, const Box& box, const std::vector<uint8_t>& in, Combine combine, int l) {
  const TensorMap& m = box.map;
  each_part(box, [&](const BoxRow& r, uint32_t at) {
    if (r.first == r.end) return;
    uint8_t* to = global_bytes(w, r.address, span_bytes(m, r), l, true);
    const uint8_t* from = in.data() + at + r.at + r.first * Bits(m).per_element / 8;
    const uint32_t each = m.step[0] == 1 ? run_bytes(m, r) : m.element_bytes;
    for (uint32_t k = 0; k < run_bytes(m, r); k += each) {
      uint8_t* const place = to + size_t(k) * m.step[0];
      combine ? combine(place, from + k, each) : void(std::memcpy(place, from + k, each));
    }
  });
}
// The global side of a box, as an agent touches it.
void touch_global(Warp& w, const Op& op, const Box& box, Agent agent, bool write, int l) {
  each_part(box, [&](const BoxRow& r, uint32_t) {
    if (r.first == r.end) return;
    if (box.map.step[0] == 1) {
      w.block->launch->checker->async_access(w, op, l, agent, nullptr, r.address,
                                             run_bytes(box.map, r), write);
      return;
    }
    for (uint32_t e = 0; e < r.end - r.first; ++e)
      w.block->launch->checker->async_access(
          w, op, l, agent, nullptr,
          r.address + uint64_t(e) * box.map.step[0] * box.map.element_bytes, box.map.element_bytes,
          write);
  });
}

// a[0] = to, a[3] = mbarrier (offset imm), a[4] = block mask; mode[2] & 1: multicast, & 4: pair;
// mode[3]: offset of to.
void load(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const Box box = box_of(w, op, l);
    const bool multicast = op.mode[2] & 1;
    const uint32_t blocks = multicast ? w.reg<uint16_t>(op.a[4])[l] : 0;
    for (const Destination& d :
         destinations(w, Space::cluster, lane_address(w, op, 0, op.mode[3], l),
                      lane_address(w, op, 3, op.imm, l), box.bytes(), 128, multicast, blocks,
                      op.mode[2] & 4, l)) {
      if (Checker* c = w.block->launch->checker.get()) {
        const Agent agent = c->mbarrier_agent(*d.mbarrier.block, d.mbarrier.offset);
        touch_global(w, op, box, agent, false, l);
        c->async_access(w, op, l, agent, d.to.block, d.to.offset, box.bytes(), true);
      }
      issue_load(w, op, l, d, box.bytes(), [&w, box, d, l] {
        const std::vector<uint8_t> data = gather(w, box, l);
        uint8_t* const shared = d.to.block->shared.data();
        each_piece(box.map, d.to.offset, box.bytes(),
                   [&](uint32_t at, uint32_t k) { std::memcpy(shared + at, data.data() + k, 16); });
      });
    }
  });
}

Type type_of(const TensorMap& m) {
  // in the order of CUtensorMapDataType
  constexpr Type kTypes[] = {Type::u8,  Type::u16, Type::u32, Type::s32, Type::u64,
                             Type::s64, Type::f16, Type::f32, Type::f64, Type::bf16,
                             Type::f32, Type::f32, Type::f32};
  return m.type < std::size(kTypes) ? kTypes[m.type] : Type::none;
}

// Whether the lane asks for the very copy that the first lane asks for. CUTLASS lets whole warps
// store a box: the same bytes to the same place, which is no race.
bool repeats_first(Warp& w, const Op& op, uint32_t mask, int l) {
  const int first = std::countr_zero(mask);
  bool same = l != first;
  for (int k : {0, 1}) same &= lane_address(w, op, k, 0, l) == lane_address(w, op, k, 0, first);
  for (const Slot& s : op.list) {
    const uint32_t* const coordinate = w.reg<uint32_t>(s.at);
    same &= coordinate[l] == coordinate[first];
  }
  return same;
}

// a[0] = from, offset imm; mode[3]: reduction, or -1.
void store(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const Box box = box_of(w, op, l);
    const SharedPlace from = shared_place(w, Space::shared, lane_address(w, op, 0, op.imm, l),
                                          box.bytes(), 128, l, false);
    Combine combine = nullptr;
    if (op.mode[3] >= 0) {
      combine = combination(Reduction(op.mode[3]), type_of(box.map));
      if (!combine)
        throw Fault{FaultKind::misuse, "the elements of the tensor do not have this reduction",
                    1u << l};
    }
    Checker* const c = w.block->launch->checker.get();
    if (c && (combine || !repeats_first(w, op, mask, l))) {
      c->async_access(w, op, l, c->agent(w, AgentKind::bulk_read), from.block, from.offset,
                      box.bytes(), false);
      if (!combine) touch_global(w, op, box, c->agent(w, AgentKind::bulk_write), true, l);
    }
    auto data = std::make_shared<std::vector<uint8_t>>(box.bytes());
    Launch* const launch = w.block->launch;
    add_bulk(w, l,
             {.read =
                  [=] {
                    each_piece(box.map, from.offset, box.bytes(), [&](uint32_t at, uint32_t k) {
                      std::memcpy(data->data() + k, from.block->shared.data() + at, 16);
                    });
                  },
              .write =
                  [=, &w] {
                    scatter(w, box, *data, combine, l);
                    ++launch->progress;
                  }});
  });
}
void nothing(Warp&, const Op&, uint32_t) {}

// [map, {x, y}]: the map's address as op.a[1] (offset mode[0]), the coordinates as op.list.
void take_tensor(Binder& b, Op& op, const Operand& o) {
  if (o.kind != Operand::Kind::address || o.list.size() != 2) throw Unsupported("tensor operand");
  b.address(op, 1, o);
  op.mode[0] = int32_t(op.imm);
  op.list = b.slots(o.list[1], Type::b32, false);
  const size_t expected = op.mode[2] & 2 ? 5 : size_t(op.mode[1]);
  if (op.list.size() != expected) throw Unsupported("number of coordinates");
}

}  // namespace

void bind_tensor(Binder& b, Form& form, Op& op, bool reduces) {
  const bool prefetch = form.take("prefetch");
  for (int d = 1; d <= 5; ++d)
    if (form.take(std::to_string(d) + "d")) op.mode[1] = d;
  if (op.mode[1] == 0) throw Unsupported("dimensions");
  form.take("L2::cache_hint");
  form.take("tile");
  const bool rows = form.take("tile::gather4") || form.take("tile::scatter4");
  const bool multicast = form.take("multicast::cluster");
  const bool pair = form.take("cta_group::2");
  form.take("cta_group::1");
  op.mode[2] = int(multicast) | int(rows) << 1 | int(pair) << 2;
  if (prefetch) {
    form.take_any({"L2", "global"});
    take_tensor(b, op, b.operand(0));
    op.run = nothing;
    return;
  }
  if (!form.take("global")) throw Unsupported("state spaces");
  const bool to_shared = form.take("shared::cluster");
  const bool own = form.take("shared::cta");
  if (form.take("bulk_group")) {
    if (!own || to_shared) throw Unsupported("state spaces");
    take_tensor(b, op, b.operand(0));
    op.mode[3] = reduces ? int(take_reduction(form)) : -1;
    b.address(op, 0, b.operand(1));
    op.run = store;
    return;
  }
  if (reduces || !form.take("mbarrier::complete_tx::bytes")) throw Unsupported("completion");
  b.address(op, 0, b.operand(0));
  op.mode[3] = int32_t(op.imm);
  take_tensor(b, op, b.operand(1));
  b.address(op, 3, b.operand(2));
  if (multicast) b.in(op, 4, b.operand(3), Type::b16);
  op.run = load;
}

}  // namespace ptxrun
