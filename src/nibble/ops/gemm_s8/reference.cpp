#include <cstring>

#include "nibble/ops/gemm_s8/gemm_s8.h"

namespace nibble::gemm_s8 {

Status Op::check(const Args& a) {
  if (a.m < 1 || a.n < 1)
    return Status::error("gemm_s8: m and n must be positive, got m=" + std::to_string(a.m) +
                         ", n=" + std::to_string(a.n));
  if (a.k < 1 || a.k > kMaxK)
    return Status::error("gemm_s8: k must be in 1..65536, got " + std::to_string(a.k));
  if (a.lda < 1)
    return Status::error("gemm_s8: lda must be positive, got " + std::to_string(a.lda));
  if (a.ldc < a.n)
    return Status::error("gemm_s8: ldc must be at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldc));
  if (!a.a || !a.b || !a.c) return Status::error("gemm_s8: a, b and c must not be null");
  if (reinterpret_cast<uintptr_t>(a.b) % 64 != 0)
    return Status::error("gemm_s8: packed b must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("a", a.a, (a.m - 1) * a.lda + a.k);
  v.in("b", a.b, packed_bytes(a.n, a.k), 64);
  v.inout("c", a.c, (a.m - 1) * a.ldc + a.n);
}

void Op::reference(const Args& a) {
  for (int64_t m = 0; m < a.m; ++m)
    for (int n = 0; n < a.n; ++n) {
      int64_t sum = 0;
      for (int k = 0; k < a.k; ++k) sum += int(a.a[m * a.lda + k]) * a.b[slot(n, k, a.k)];
      a.c[m * a.ldc + n] = int32_t(sum);
    }
}

void pack(const int8_t* b, int64_t ldb, int n, int k, int8_t* packed) {
  std::memset(packed, 0, size_t(packed_bytes(n, k)));
  for (int j = 0; j < n; ++j) {
    int32_t sum = 0;
    for (int i = 0; i < k; ++i) {
      packed[slot(j, i, k)] = b[j * ldb + i];
      sum += b[j * ldb + i];
    }
    sum *= 128;
    std::memcpy(packed + sums_offset(n, k) + 4 * j, &sum, 4);
  }
}

}  // namespace nibble::gemm_s8
