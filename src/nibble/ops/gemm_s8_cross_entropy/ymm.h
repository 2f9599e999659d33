// Private to this folder: the tiles of the ISAs of 256 bits. `Dot` multiplies (cpu/s8_tile_avx2.h).
#pragma once
#include "nibble/cpu/math_avx2.h"
#include "nibble/cpu/s8_tile_avx2.h"
#include "nibble/ops/gemm_s8_cross_entropy/kernel.h"
#include "nibble/ops/gemm_s8_cross_entropy/kernels.h"

namespace nibble::gemm_s8_cross_entropy {
namespace {

template <class Dot>
struct Tiles {
  using V = cpu::F32x16;
  static constexpr int kTogether = 1, kRows = 4;

  // Of I16, whose halves only AVX2 has: the header is to compile without it, too.
  static V floats(const auto& x) {
    const auto f = cpu::to_float(x);
    return {f.lo, f.hi};
  }
  static cpu::I16 noisy(const cpu::I16& x, uint16_t bits, int32_t step) {
    return x + cpu::signed_by(bits, cpu::splat(step));
  }
  template <class F>
  static void with_rows(const Args& a, int64_t begin, int64_t, F f) {
    f(AsTheyAre(), a.a + begin * a.lda);
  }
  [[gnu::always_inline]] static void product(const cpu::S8Panels& b, const cpu::S8Rows<kRows>& x,
                                             cpu::I16 (&sums)[kRows]) {
    cpu::s8_tile<Dot>(b, x, sums);
  }
  template <class Noise>
  static void logits(const Head& h, AsTheyAre, const BlockRows& rows, const Noise& noise,
                     cpu::LossBlock<V>& b, V* lanes) {
    logits_by_panels<Tiles>(h, rows, noise, b, lanes);
  }
};

}  // namespace
}  // namespace nibble::gemm_s8_cross_entropy
