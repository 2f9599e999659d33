#include "nibble/cpu/math_avx2.h"
#include "nibble/cpu/s8_avx2.h"
#include "nibble/cpu/ternary_hash_avx2.h"
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
  static void store(int8_t* w, V x, int count) {
    cpu::store_s8(w, cpu::to_s8_epi32(x.lo), count);
    if (count > 8) cpu::store_s8(w + 8, cpu::to_s8_epi32(x.hi), count - 8);
  }
};

}  // namespace

void avx2(const Args& a, const Exec& e) { run<V, Avx2>(a, e); }

}  // namespace nibble::shadow_update
