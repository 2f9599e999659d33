#include <vector>

#include "nibble/ops/fold_s8/fold_s8.h"

namespace nibble::fold_s8 {

Status Op::check(const Args& a) {
  if (a.n < 1 || a.k < 1 || a.k > gemm_s8::kMaxK)
    return Status::error("fold_s8: n must be positive and k in 1..65536, got n=" +
                         std::to_string(a.n) + ", k=" + std::to_string(a.k));
  if (a.shift < 0 || a.shift > 6)
    return Status::error("fold_s8: shift must be in 0..6, got " + std::to_string(a.shift));
  if (a.sign < -1 || a.sign > 1)
    return Status::error("fold_s8: sign must be -1, 0 or 1, got " + std::to_string(a.sign));
  if (!a.w || !a.packed) return Status::error("fold_s8: w and packed must not be null");
  if (a.sign != 0 && !a.e) return Status::error("fold_s8: e must not be null where sign is not 0");
  if (reinterpret_cast<uintptr_t>(a.packed) % 64 != 0)
    return Status::error("fold_s8: packed must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t size = int64_t(a.n) * a.k;
  v.in("w", a.w, size);
  v.in("e", a.e, a.sign ? size : 0);
  v.out("packed", a.packed, gemm_s8::packed_bytes(a.n, a.k), 64);
}

void Op::reference(const Args& a) {
  std::vector<int8_t> folded(size_t(a.n) * size_t(a.k));
  for (size_t i = 0; i < folded.size(); ++i)
    folded[i] = int8_t(a.w[i] * (1 << a.shift) + (a.sign ? a.sign * a.e[i] : 0));
  gemm_s8::pack(folded.data(), a.k, a.n, a.k, a.packed);
}

}  // namespace nibble::fold_s8
