#include <cstring>

#include "nibble/cpu/ceilings_loops.h"

// Vector extensions of the compiler, 16 bytes wide: every 64-bit ISA has registers of that size.
namespace nibble::cpu {
namespace {

using u16x8 = uint16_t __attribute__((vector_size(16)));
using f32x4 = float __attribute__((vector_size(16)));
using u64x2 = uint64_t __attribute__((vector_size(16)));

template <class V>
uint64_t fold(V v) {
  uint64_t half[2];
  std::memcpy(half, &v, sizeof half);
  return half[0] ^ half[1];
}

// Hides where a value comes from: equal accumulators would be merged into one.
template <class V>
void opaque(V& v) {
  __asm__ volatile("" : "+m"(v));
}

}  // namespace

// Low halves of 16-bit products, without sign since they wrap: what a compiler makes of an int8 dot
// product without dot instructions is no faster.
uint64_t portable_int16_mac(int64_t rounds) {
  u16x8 acc[4] = {}, x = {1, 2, 3, 4, 5, 6, 7, 8}, w = {3, 1, 4, 1, 5, 9, 2, 6};
  opaque(x), opaque(w);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) opaque(acc[j]);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) acc[j] = acc[j] * x + w;
  }
  return fold(acc[0] + acc[1] + acc[2] + acc[3]);
}

uint64_t portable_fp32_mac(int64_t rounds) {
  f32x4 acc[8] = {}, x = {0.5f, 0.25f, 0.125f, 0.75f}, w = {1, 2, 3, 4};
  opaque(x), opaque(w);
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) opaque(acc[j]);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) acc[j] = acc[j] * x + w;
  }
  f32x4 sum = acc[0];
  for (int j = 1; j < 8; ++j) sum += acc[j];
  return fold(sum);
}

uint64_t portable_read(const std::byte* p, size_t bytes) {
  const auto* v = reinterpret_cast<const u64x2*>(p);
  u64x2 acc[4] = {};
  for (size_t i = 0; i < bytes / 16; i += 4) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) acc[j] ^= v[i + j];
  }
  return fold(acc[0] ^ acc[1] ^ acc[2] ^ acc[3]);
}

void portable_copy(std::byte* to, const std::byte* from, size_t bytes) {
  std::memcpy(to, from, bytes);
}

}  // namespace nibble::cpu
