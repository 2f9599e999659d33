// tensormap.replace changes one field of a tensor map in memory; tensormap.cp_fenceproxy copies a
// map from shared to global memory.
#include "tensor_map.h"

#include <algorithm>

#include "bulk.h"

namespace ptxrun {
namespace {

constexpr uint32_t kMapBytes = 128;

// Maps lie in both spaces at multiples of 64 bytes and are read in halves, as accesses are checked.
void read_map(Warp& w, const Op& op, Space space, uint64_t address, uint8_t* to, int l) {
  for (uint32_t half = 0; half < kMapBytes; half += 64)
    std::memcpy(to + half, resolve(w, op, space, address + half, 64, l, false), 64);
}
void write_map(Warp& w, const Op& op, Space space, uint64_t address, const uint8_t* from, int l) {
  for (uint32_t half = 0; half < kMapBytes; half += 64)
    std::memcpy(resolve(w, op, space, address + half, 64, l, true), from + half, 64);
  ++w.block->launch->progress;
}

enum class Field : uint8_t {
  address,
  rank,
  box,
  size,
  stride,
  step,
  type,
  interleave,
  swizzle,
  fill,
  atom,
};
struct FieldRow {
  std::string_view name;
  Field field;
  bool ordinal;  // names a dimension
};
constexpr FieldRow kFields[] = {
    {"global_address", Field::address, false},
    {"rank", Field::rank, false},
    {"box_dim", Field::box, true},
    {"global_dim", Field::size, true},
    {"global_stride", Field::stride, true},
    {"element_stride", Field::step, true},
    {"elemtype", Field::type, false},
    {"interleave_layout", Field::interleave, false},
    {"swizzle_mode", Field::swizzle, false},
    {"fill_mode", Field::fill, false},
    {"swizzle_atomicity", Field::atom, false},
};

// By the numbers of .elemtype: bytes of an element, and the CUtensorMapDataType.
struct Element {
  uint8_t bytes, type;
};
constexpr Element kElements[] = {{1, 0}, {2, 1},  {4, 2}, {4, 3}, {8, 4},  {8, 5},  {2, 6},
                                 {4, 7}, {4, 10}, {8, 8}, {2, 9}, {4, 11}, {4, 12}, {1, 13}};

// Empty, or what is wrong with the value.
std::string set(TensorMap& m, Field field, size_t at, uint64_t value) {
  const auto within = [&](uint64_t low, uint64_t high) { return value >= low && value <= high; };
  switch (field) {
    case Field::address:
      if (value % 16) return "an address that is not a multiple of 16";
      m.base = value;
      return {};
    case Field::rank:  // less one
      if (!within(0, 4)) return "a rank that is not 1 to 5";
      m.rank = uint8_t(value + 1);
      return {};
    case Field::box:
      if (!within(1, 256)) return "a box that is not 1 to 256 long";
      m.box[at] = uint16_t(value);
      return {};
    case Field::size:
      if (value == 0) return "a dimension of size 0";
      m.last[at] = uint32_t(value - 1);
      return {};
    case Field::stride:  // of the second dimension and up
      if (at > 3 || value % 16 || value >> 40) return "a stride that is not a multiple of 16";
      m.stride[at] = value;
      return {};
    case Field::step:
      if (!within(1, 8)) return "an element stride that is not 1 to 8";
      m.step[at] = uint8_t(value);
      return {};
    case Field::type:
      m.element_bytes = kElements[value].bytes, m.type = kElements[value].type;
      m.packed = m.type == 13;
      return {};
    case Field::fill:
      m.nan_fill = uint8_t(value);
      return {};
    default:
      m.swizzle = uint8_t(value);
      return {};
  }
}

// a[0] = address, a[1] = new value; imm: offset of the address, mode[0] = field, mode[1] = which
// dimension.
void replace(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const uint64_t address = lane_address(w, op, 0, op.imm, l);
    uint8_t bytes[kMapBytes];
    read_map(w, op, op.space, address, bytes, l);
    TensorMap m;
    std::memcpy(&m, bytes, sizeof m);
    if (m.magic != kTensorMapMagic)
      throw Fault{FaultKind::misuse, "there is no tensor map at the address given", 1u << l};
    const std::string wrong =
        set(m, Field(op.mode[0]), size_t(op.mode[1]), lane_address(w, op, 1, 0, l));
    if (!wrong.empty())
      throw Fault{FaultKind::misuse, "tensormap.replace puts in " + wrong, 1u << l};
    std::memcpy(bytes, &m, sizeof m);
    write_map(w, op, op.space, address, bytes, l);
  });
}
// a[0] = to, in global memory, a[1] = from, in shared memory; imm and mode[0]: their offsets. The
// warp makes one copy.
void copy_map(Warp& w, const Op& op, uint32_t mask) {
  const int l = std::countr_zero(mask);
  uint8_t bytes[kMapBytes];
  read_map(w, op, Space::shared, lane_address(w, op, 1, op.mode[0], l), bytes, l);
  write_map(w, op, Space::global, lane_address(w, op, 0, op.imm, l), bytes, l);
}

void bind_copy(Binder& b, Form& form, Op& op) {
  if (!form.take("global") || !form.take("shared::cta") || !form.take("sync") ||
      !form.take("aligned") || b.operand(2).bits != kMapBytes)
    throw Unsupported("form");
  form.take_any({"tensormap::generic", "release", "cta", "cluster", "gpu", "sys"});
  b.address(op, 1, b.operand(1));
  op.mode[0] = int32_t(op.imm);
  b.address(op, 0, b.operand(0));
  b.collective_all(op);
  op.run = copy_map;
}

}  // namespace

void bind_tensor_map(Binder& b, Form& form, Op& op) {
  if (form.take("cp_fenceproxy")) return bind_copy(b, form, op);
  if (!form.take("replace") || !form.take("tile")) throw Unsupported("form");
  const FieldRow* row = nullptr;
  for (const FieldRow& r : kFields)
    if (form.take(r.name)) row = &r;
  if (!row) throw Unsupported("field");
  op.space = form.take("global")        ? Space::global
             : form.take("shared::cta") ? Space::shared
                                        : Space::generic;
  form.take("b1024");
  const Type t = form.type();
  op.mode[0] = int(row->field);
  if (row->ordinal) {
    if (b.operand(1).kind != Operand::Kind::integer || b.operand(1).bits > 4)
      throw Unsupported("dimension");
    op.mode[1] = int(b.operand(1).bits);
  }
  const Operand& value = b.operand(row->ordinal ? 2 : 1);
  const uint64_t n = value.kind == Operand::Kind::integer ? value.bits : 0;
  // Modes that tensor maps have here: as for cuTensorMapEncodeTiled.
  const bool absent = (row->field == Field::type && n >= std::size(kElements)) ||
                      (row->field == Field::interleave && n != 0) ||
                      (row->field == Field::swizzle && n > 3) ||
                      (row->field == Field::fill && n > 1) || row->field == Field::atom;
  if (absent) throw Unsupported("value of ." + std::string(row->name));
  b.in(op, 1, value, t);
  b.address(op, 0, b.operand(0));
  op.run = replace;
  if (row->field == Field::interleave) op.run = [](Warp&, const Op&, uint32_t) {};
}

}  // namespace ptxrun
