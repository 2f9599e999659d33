// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/fp4_grouped_cases.h"
#include "nibble/ops/grouped_gemm_nvfp4_s8/grouped_gemm_nvfp4_s8.h"

namespace nibble::grouped_gemm_nvfp4_s8 {

struct Scales {
  static constexpr int kSmallK = 80;
  static constexpr uint8_t kWorst = 0x7e;
  static constexpr bool is_nan(uint8_t b) { return (b & 0x7f) == 0x7f; }
  static constexpr uint8_t finite(uint8_t b) { return is_nan(b) ? uint8_t(b ^ 1) : b; }
  static constexpr uint8_t written(uint8_t b) { return uint8_t(1 + b % 0x7e); }
};

// A token for each matrix: a contest's products with vectors, as many as it has.
inline void fill_vectors(Args& a, Random& rng) {
  Fp4GroupedCases<Args, Scales, kLayout>::written(a, rng);
  for (int g = 0; g <= a.groups; ++g) writable(a.offsets)[g] = g;
}
inline Case<Args> vectors(int groups, int n, int k) {
  return {.name = "bench_l" + std::to_string(groups) + "_m1_n" + std::to_string(n) + "_k" +
                  std::to_string(k),
          .args = {.groups = groups,
                   .m = groups,
                   .n = n,
                   .k = k,
                   .ldx = k,
                   .ldy = n,
                   .w_stride = kLayout.bytes(n, k)},
          .fill = fill_vectors,
          .bench = true};
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all = Fp4GroupedCases<Args, Scales, kLayout>::cases();
  all.push_back(vectors(8, 4096, 7168));
  all.push_back(vectors(4, 7168, 2048));
  return all;
}

}  // namespace nibble::grouped_gemm_nvfp4_s8
