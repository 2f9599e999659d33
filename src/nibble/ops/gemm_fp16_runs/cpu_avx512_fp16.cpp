#include <immintrin.h>

#include "nibble/ops/gemm_fp16_runs/tile.h"

namespace nibble::gemm_fp16_runs {
namespace {

struct ByInstructions {
  using Halves = __m512h;
  static Halves load(const fp16* p) { return _mm512_castsi512_ph(_mm512_load_si512(p)); }
  static Halves twice(uint32_t pair) { return _mm512_castsi512_ph(_mm512_set1_epi32(int(pair))); }
  static void fma(Halves x, Halves w, Halves& acc) { acc = _mm512_fmadd_ph(x, w, acc); }
  static void add(Halves acc, float* to) {
    const __m512i v = _mm512_castph_si512(acc);
    const __m512 low = _mm512_cvtph_ps(_mm512_castsi512_si256(v));
    const __m512 high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(v, 1));
    _mm512_store_ps(to, _mm512_add_ps(_mm512_load_ps(to), low));
    _mm512_store_ps(to + 16, _mm512_add_ps(_mm512_load_ps(to + 16), high));
  }
};

}  // namespace

void avx512_fp16(const Args& a, const Exec& e) { cpu::dense<RunsKernel<ByInstructions>>(a, e); }

}  // namespace nibble::gemm_fp16_runs
