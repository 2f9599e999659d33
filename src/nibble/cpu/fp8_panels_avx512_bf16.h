// The products of fp8_panels_avx512.h by vdpbf16ps. Included by cpu_avx512_bf16.cpp of ops only.
#pragma once
#include "nibble/cpu/fp8_panels_avx512.h"

namespace nibble::cpu {
namespace {

struct Bf16Products {
  using Groups = Bf16Groups;
  static constexpr int kTokens = 6;  // 24 of 32 registers are sums
  struct Line {
    Bf16Line b;
    explicit Line(const uint8_t* p) : b(load_e4m3(p)) {}
  };
  static void add(__m512 (&sum)[2], const Line& w, const uint8_t* group) {
    int64_t four;
    std::memcpy(&four, group, 8);
    const auto x = __m512bh(_mm512_set1_epi64(four));
    sum[0] = _mm512_dpbf16_ps(sum[0], __m512bh(w.b.rows01), x);
    sum[1] = _mm512_dpbf16_ps(sum[1], __m512bh(w.b.rows23), x);
  }
};

}  // namespace
}  // namespace nibble::cpu
