#include <cmath>

#include "nibble/ops/embedding_s8/embedding_s8.h"

namespace nibble::embedding_s8 {

Status Op::check(const Args& a) {
  if (a.tokens < 1 || a.dim < 1)
    return Status::error("embedding_s8: tokens and dim must be positive, got tokens=" +
                         std::to_string(a.tokens) + ", dim=" + std::to_string(a.dim));
  if (a.vocab < 1 || a.vocab > 256)
    return Status::error("embedding_s8: vocab must be in 1..256, got " + std::to_string(a.vocab));
  if (!a.token || !a.table || !a.out)
    return Status::error("embedding_s8: token, table and out must not be null");
  if (a.has_noise != (a.noise != nullptr))
    return Status::error("embedding_s8: noise must be given exactly where has_noise is set");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("token", a.token, a.tokens);
  v.in("table", a.table, int64_t(a.vocab) * a.dim);
  v.in("noise", a.noise, a.has_noise ? int64_t(a.vocab) * a.dim : 0);
  v.out("out", a.out, a.tokens * a.dim);
}

// The double sum is exact for scales of 2^-22 and more: 7 bits above the point, 46 below it.
void Op::reference(const Args& a) {
  for (int64_t t = 0; t < a.tokens; ++t)
    for (int j = 0; j < a.dim; ++j) {
      const int64_t i = int64_t(a.token[t]) * a.dim + j;
      double x = a.table[i];
      if (a.has_noise) x += double(a.noise_scale) * a.noise[i];
      a.out[t * a.dim + j] = int8_t(std::fmin(std::fmax(std::nearbyint(float(x)), -127), 127));
    }
}

}  // namespace nibble::embedding_s8
