#include "nibble/cpu/math_avx512.h"
#include "nibble/cpu/ternary_hash_avx512.h"
#include "nibble/cpu/ternary_pack_x86.h"
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
  static __m128i ternary(V x) {  // a mask's lane is -1 where it is set
    const __m128i above = _mm_movm_epi8(less(V(0.5f), x));
    return _mm_sub_epi8(_mm_movm_epi8(less(x, V(-0.5f))), above);
  }
  static void store(int8_t* w, __m128i x, int count) {
    _mm_mask_storeu_epi8(w, V::first(count), x);
  }
  static uint32_t two_bit(__m128i w) { return cpu::two_bit_codes(w); }
};

}  // namespace

void avx512(const Args& a, const Exec& e) { run<V, Avx512>(a, e); }

}  // namespace nibble::shadow_update
