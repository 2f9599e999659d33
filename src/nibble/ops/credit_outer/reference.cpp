#include "nibble/ops/credit_outer/credit_outer.h"

namespace nibble::credit_outer {

Status Op::check(const Args& a) {
  if (a.tokens < 1 || a.tokens > kMaxTokens)
    return Status::error("credit_outer: tokens must be in 1..133143, got " +
                         std::to_string(a.tokens));
  if (a.k < 16 || a.k % 16 != 0 || a.n < 16 || a.n % 16 != 0)
    return Status::error("credit_outer: k and n must be positive multiples of 16, got " +
                         std::to_string(a.k) + " and " + std::to_string(a.n));
  if (a.ldx < 1) return Status::error("credit_outer: ldx must be positive");
  if (!a.x || !a.z || !a.g || !a.work)
    return Status::error("credit_outer: x, z, g and work must not be null");
  if (reinterpret_cast<uintptr_t>(a.work) % 64 != 0)
    return Status::error("credit_outer: work must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("x", a.x, (a.tokens - 1) * a.ldx + a.k);
  v.in("z", a.z, a.tokens * a.n);
  v.inout("g", a.g, int64_t(a.k) * a.n);
  v.workspace("work", a.work, work_bytes(a.tokens, a.k, a.n), 64);
}

void Op::reference(const Args& a) {
  for (int k = 0; k < a.k; ++k)
    for (int n = 0; n < a.n; ++n) {
      int64_t sum = a.g[int64_t(k) * a.n + n];
      for (int64_t t = 0; t < a.tokens; ++t) sum += int(a.x[t * a.ldx + k]) * a.z[t * a.n + n];
      a.g[int64_t(k) * a.n + n] = int32_t(sum);
    }
}

}  // namespace nibble::credit_outer
