// Index math of packed b, shared by pack(), reference, kernels and tests.
#pragma once
#include <cstdint>

namespace nibble::gemm_s8 {

inline constexpr int kPanel = 16;  // columns
inline constexpr int kBlock = 4;   // neighbours in k

constexpr int64_t padded_n(int n) { return (int64_t(n) + kPanel - 1) / kPanel * kPanel; }
constexpr int64_t padded_k(int k) { return (int64_t(k) + kBlock - 1) / kBlock * kBlock; }
constexpr int64_t panel_bytes(int k) { return kPanel * padded_k(k); }
constexpr int64_t sums_offset(int n, int k) { return padded_n(n) * padded_k(k); }
constexpr int64_t packed_bytes(int n, int k) { return sums_offset(n, k) + 4 * padded_n(n); }

// Byte of b[column][k_index].
constexpr int64_t slot(int column, int k_index, int k) {
  return column / kPanel * panel_bytes(k) + k_index / kBlock * (kPanel * kBlock) +
         column % kPanel * kBlock + k_index % kBlock;
}

static_assert(slot(0, 0, 8) == 0 && slot(0, 3, 8) == 3 && slot(1, 0, 8) == 4);
static_assert(slot(0, 4, 8) == 64 && slot(16, 0, 8) == 128);
static_assert(packed_bytes(17, 5) == 32 * 8 + 4 * 32);

}  // namespace nibble::gemm_s8
