#include "nibble/ops/hash_noise/hash_noise.h"

namespace nibble::hash_noise {

Status Op::check(const Args& a) {
  if (a.n < 1) return Status::error("hash_noise: n must be positive, got " + std::to_string(a.n));
  if (a.terms < 0 || a.terms > kMaxTerms)
    return Status::error("hash_noise: terms must be in 0..127, got " + std::to_string(a.terms));
  if (!a.out) return Status::error("hash_noise: out must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) { v.out("out", a.out, a.n); }

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.n; ++i)
    a.out[i] = int8_t(ternary_noise(a.seed, a.first + uint64_t(i), a.terms));
}

}  // namespace nibble::hash_noise
