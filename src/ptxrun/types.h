// The fundamental types of PTX and what each occupies.
#pragma once
#include <cstdint>
#include <string_view>

namespace ptxrun {

enum class Type : uint8_t {
  none,
  pred,
  b8,
  b16,
  b32,
  b64,
  b128,
  u8,
  u16,
  u32,
  u64,
  s8,
  s16,
  s32,
  s64,
  f16,
  bf16,
  f16x2,
  bf16x2,
  tf32,
  f32,
  f64,
  f32x2,
  e4m3,
  e5m2,
  e2m1,
  e2m3,
  e3m2,
  ue8m0,
  ue4m3,
  e4m3x2,
  e5m2x2,
  e2m1x2,
  e2m3x2,
  e3m2x2,
  ue8m0x2,
  u4,
  s4,
  b1,
};

Type type_named(std::string_view name);  // Type::none if `name` is not a type
int size_of(Type type);                  // bytes; 0 for predicates, 1 for the packed 4-bit types

constexpr bool is_signed(Type t) { return t >= Type::s8 && t <= Type::s64; }
constexpr bool is_float(Type t) { return t >= Type::f16 && t <= Type::f32x2; }

// State spaces. `generic` addresses name a byte of any of the others; `cluster` is shared memory of
// any block of the cluster.
enum class Space : uint8_t { generic, reg, global, shared, cluster, local, param, constant };

}  // namespace ptxrun
