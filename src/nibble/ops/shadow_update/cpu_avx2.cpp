#include "nibble/cpu/math_avx2.h"
#include "nibble/cpu/s8_avx2.h"
#include "nibble/cpu/ternary_hash_avx2.h"
#include "nibble/cpu/ternary_pack_x86.h"
#include "nibble/ops/shadow_update/update.h"

namespace nibble::shadow_update {
namespace {

using V = cpu::F32x16;

struct Avx2 {
  static void fill(uint64_t seed, uint64_t first, int n, int terms, int8_t* out) {
    cpu::fill_ternary_noise(seed, first, n, terms, out);
  }
  static V load(const int8_t* p) {
    return {_mm256_cvtepi32_ps(cpu::load_s8(p, 8)), _mm256_cvtepi32_ps(cpu::load_s8(p + 8, 8))};
  }
  static __m128i ternary(V x) {  // a mask's lane is -1 where it is set
    const auto above = less(V(0.5f), x), below = less(x, V(-0.5f));
    return _mm_packs_epi16(words(below.lo, above.lo), words(below.hi, above.hi));
  }
  static __m128i words(__m256 below, __m256 above) {
    const __m256i w = _mm256_sub_epi32(_mm256_castps_si256(below), _mm256_castps_si256(above));
    return _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
  }
  static void store(int8_t* w, __m128i x, int count) { std::memcpy(w, &x, size_t(count)); }
  static uint32_t two_bit(__m128i w) { return cpu::two_bit_codes(w); }
};

}  // namespace

void avx2(const Args& a, const Exec& e) { run<V, Avx2>(a, e); }

}  // namespace nibble::shadow_update
