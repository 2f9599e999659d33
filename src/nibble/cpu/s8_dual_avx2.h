// The kernel of s8_dual.h for ISAs of 256 bits, from that of one matrix (run_s8_ymm): gate's tile,
// then up's.
#pragma once
#include "nibble/cpu/math_avx2.h"
#include "nibble/cpu/s8_dual.h"
#include "nibble/cpu/s8_panels_avx2.h"

namespace nibble::cpu {
namespace {

template <class Kernel>
struct S8DualYmm : Kernel {
  using Lanes = F32x16;
  static void both(int count, const S8Tile& gate, const S8Tile& up, int64_t, int64_t) {
    s8_tile_ymm<Kernel>(count, gate), s8_tile_ymm<Kernel>(count, up);
  }
};

}  // namespace
}  // namespace nibble::cpu
