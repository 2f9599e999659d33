#include "nibble/cpu/loss_packs_avx512.h"
#include "nibble/cpu/s8_tile_avx512.h"
#include "nibble/ops/gemm_s8_cross_entropy/kernel.h"
#include "nibble/ops/gemm_s8_cross_entropy/kernels.h"

namespace nibble::gemm_s8_cross_entropy {
namespace {

// Of four rows: 20 sums, or 21 with the pack behind them.
constexpr int kMostPanels = 5;

struct Tiles {
  using V = cpu::F32x16;
  static constexpr int kTogether = 4;

  static V floats(cpu::I16 x) { return cpu::to_float(x).v; }

  static cpu::I16 noisy(cpu::I16 x, uint16_t bits, int32_t step) {
    const __m512i s = _mm512_set1_epi32(step);
    return {_mm512_mask_add_epi32(_mm512_sub_epi32(x.v, s), bits, x.v, s)};
  }
  template <class F>
  static void with_rows(const Args& a, int64_t begin, int64_t end, F f) {
    cpu::with_s8_words(a.a + begin * a.lda, (end - begin - 1) * a.lda + a.k, f);
  }

  template <int P, bool kTail, class Words, class Noise>
  [[gnu::noinline]] static void tiles(const Head& h, Words words, const BlockRows& rows,
                                      const Noise& noise, cpu::LossBlock<V>& b, int column,
                                      V* lanes) {
    constexpr int R = P > 3 || kTail ? 4 : 8;  // as in gemm_s8; a pack has four
    for (int i = 0; i < cpu::kLossRows; i += R) {
      cpu::S8Sums sums[R][P], tail;
      cpu::s8_tile<kTail>(words, h.panels(column), rows.from<R>(i), sums, tail);
      logits_of_tile<Tiles, R, P, kTail>(
          h, noise, b, i, column, lanes,
          [&](int r, int p) { return cpu::I16{__m512i(sums[r][p])}; }, __m512i(tail));
    }
  }

  template <int P, class... Rest>
  static void tiles_of(int panels, bool tail, Rest&&... rest) {
    if constexpr (P > 1)
      if (panels != P) return tiles_of<P - 1>(panels, tail, rest...);
    tail ? tiles<P, true>(rest...) : tiles<P, false>(rest...);
  }

  // Evenly: the last of 5 and 1 panels, or of 4 and 2, would have fewer products a load than 3.
  template <class Words, class Noise>
  static void logits(const Head& h, Words words, const BlockRows& rows, const Noise& noise,
                     cpu::LossBlock<V>& b, V* lanes) {
    int left = h.s.padded / cpu::kS8Panel, column = 0;
    for (int groups = (left + kMostPanels - 1) / kMostPanels; groups > 0; --groups) {
      const int panels = (left + groups - 1) / groups;
      tiles_of<kMostPanels>(panels, h.s.packed && groups == 1, h, words, rows, noise, b, column,
                            lanes);
      left -= panels, column += panels * cpu::kS8Panel;
    }
  }
};

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) { run_rows<Tiles>(a, e); }

}  // namespace nibble::gemm_s8_cross_entropy
