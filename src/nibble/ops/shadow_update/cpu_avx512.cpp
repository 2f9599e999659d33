#include "nibble/cpu/math_avx512.h"
#include "nibble/cpu/s8_avx512.h"
#include "nibble/cpu/ternary_hash_avx512.h"
#include "nibble/ops/shadow_update/update.h"

namespace nibble::shadow_update {
namespace {

using V = cpu::F32x16;

struct Avx512 {
  static void fill(uint64_t seed, uint64_t first, int n, int terms, int8_t* out) {
    cpu::fill_ternary_noise(seed, first, n, terms, out);
  }
  static V load(const int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
  }
  static void store(int8_t* w, V x, int count) {
    _mm_mask_storeu_epi8(w, V::first(count), cpu::to_s8(x.v));
  }
};

}  // namespace

void avx512(const Args& a, const Exec& e) { run<V, Avx512>(a, e); }

}  // namespace nibble::shadow_update
