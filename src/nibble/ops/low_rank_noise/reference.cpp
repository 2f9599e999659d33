#include "nibble/ops/low_rank_noise/low_rank_noise.h"

namespace nibble::low_rank_noise {
namespace {

int64_t sign_words_of(const Args& a) { return (a.rows + a.share - 1) / a.share * a.n / 16; }

}  // namespace

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.n < 16 || a.n % 16 != 0)
    return Status::error(
        "low_rank_noise: rows must be positive and n a positive multiple of 16, got " +
        std::to_string(a.rows) + " and " + std::to_string(a.n));
  if (a.parts < 1 || a.parts > 64)
    return Status::error("low_rank_noise: parts must be in 1..64, got " + std::to_string(a.parts));
  if (a.share < 1) return Status::error("low_rank_noise: share must be positive");
  if (a.parts > 1 && a.ld < sign_words_of(a))
    return Status::error("low_rank_noise: ld must be at least the words of a part, got " +
                         std::to_string(a.ld));
  if (!a.acc || !a.step || !a.e || !a.y)
    return Status::error("low_rank_noise: acc, step, e and y must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("acc", a.acc, a.rows * a.n);
  v.in("step", a.step, a.parts * a.rows);
  v.in("e", a.e, (a.parts - 1) * a.ld + sign_words_of(a));
  v.out("y", a.y, a.rows * a.n);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int j = 0; j < a.n; ++j) {
      int64_t sum = a.acc[r * a.n + j];
      for (int p = 0; p < a.parts; ++p) {
        const uint16_t word = a.e[p * a.ld + r / a.share * (a.n / 16) + j / 16];
        const int32_t step = a.step[p * a.rows + r];
        sum += (word >> j % 16 & 1) != 0 ? step : -step;
      }
      a.y[r * a.n + j] = int32_t(sum);
    }
}

}  // namespace nibble::low_rank_noise
