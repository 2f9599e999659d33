#include "types.h"

#include <array>
#include <utility>

namespace ptxrun {
namespace {

struct Row {
  std::string_view name;
  Type type;
  int size;
};

constexpr Row kRows[] = {
    {"pred", Type::pred, 0},     {"b8", Type::b8, 1},           {"b16", Type::b16, 2},
    {"b32", Type::b32, 4},       {"b64", Type::b64, 8},         {"b128", Type::b128, 16},
    {"u8", Type::u8, 1},         {"u16", Type::u16, 2},         {"u32", Type::u32, 4},
    {"u64", Type::u64, 8},       {"s8", Type::s8, 1},           {"s16", Type::s16, 2},
    {"s32", Type::s32, 4},       {"s64", Type::s64, 8},         {"f16", Type::f16, 2},
    {"bf16", Type::bf16, 2},     {"f16x2", Type::f16x2, 4},     {"bf16x2", Type::bf16x2, 4},
    {"tf32", Type::tf32, 4},     {"f32", Type::f32, 4},         {"f64", Type::f64, 8},
    {"f32x2", Type::f32x2, 8},   {"e4m3", Type::e4m3, 1},       {"e5m2", Type::e5m2, 1},
    {"e2m1", Type::e2m1, 1},     {"e2m3", Type::e2m3, 1},       {"e3m2", Type::e3m2, 1},
    {"ue8m0", Type::ue8m0, 1},   {"ue4m3", Type::ue4m3, 1},     {"e4m3x2", Type::e4m3x2, 2},
    {"e5m2x2", Type::e5m2x2, 2}, {"e2m1x2", Type::e2m1x2, 1},   {"e2m3x2", Type::e2m3x2, 2},
    {"e3m2x2", Type::e3m2x2, 2}, {"ue8m0x2", Type::ue8m0x2, 2}, {"u4", Type::u4, 1},
    {"s4", Type::s4, 1},         {"b1", Type::b1, 1},
};

}  // namespace

Type type_named(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.type;
  return Type::none;
}

int size_of(Type type) {
  for (const Row& row : kRows)
    if (row.type == type) return row.size;
  return 0;
}

}  // namespace ptxrun
