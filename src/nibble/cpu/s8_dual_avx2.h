// The kernel of s8_dual.h for AVX2: gate's tile, then up's. Included by cpu_avx2.cpp of ops only.
#pragma once
#include "nibble/cpu/math_avx2.h"
#include "nibble/cpu/s8_dual.h"
#include "nibble/cpu/s8_panels_avx2.h"

namespace nibble::cpu {
namespace {

template <class Codes>
struct S8DualAvx2 {
  using Lanes = F32x16;
  static constexpr PanelLayout kLayout = Codes::kLayout;
  static constexpr bool kWide = Codes::kBias == Int8Codes::kBias, kRowIsGroups = false;
  static constexpr int kTokens = 4, kGroupBytes = kWide ? 8 : 4;

  static void copy(const int8_t* x, int64_t ldx, int rows, int k, int8_t* to, int32_t* sums) {
    s8_copy<kWide>(x, ldx, rows, k, to, sums);
  }
  static void tile(int count, const S8Tile& t) {
    if (count == 1) s8_tile_avx2<Codes, 1>(t);
    if (count == 2) s8_tile_avx2<Codes, 2>(t);
    if (count == 3) s8_tile_avx2<Codes, 3>(t);
    if (count == 4) s8_tile_avx2<Codes, 4>(t);
  }
  static void both(int count, const S8Tile& gate, const S8Tile& up, int64_t, int64_t) {
    tile(count, gate), tile(count, up);
  }
};

}  // namespace
}  // namespace nibble::cpu
