#include "nibble/ops/magnitudes/magnitudes.h"

namespace nibble::magnitudes {

Status Op::check(const Args& a) {
  if (a.rows < 1 || a.cols < 1)
    return Status::error("magnitudes: rows and cols must be positive, got " +
                         std::to_string(a.rows) + " and " + std::to_string(a.cols));
  if (!readable(a.x.type)) return Status::error("magnitudes: x must be f32, bf16 or fp16");
  if (!a.x.data || !a.amax) return Status::error("magnitudes: x and amax must not be null");
  if (a.with_sum != (a.sum != nullptr))
    return Status::error("magnitudes: sum must be there as with_sum says");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  visit(v, "x", a.x, a.rows * a.cols);
  v.out("amax", a.amax, a.rows);
  v.out("sum", a.sum, a.with_sum ? a.rows : 0);
}

void Op::reference(const Args& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    uint32_t most = 0;
    double lane[16] = {};
    for (int64_t c = 0; c < a.cols; ++c) {
      const float x = float_at(a.x, r * a.cols + c);
      most = greater_magnitude(most, x);
      lane[c % 16] += double(bit_cast<float>(magnitude_bits(x)));
    }
    const bool nan = most > kFloatInf;
    a.amax[r] = bit_cast<float>(nan ? kFloatQuietNaN : most);
    if (!a.sum) continue;
    for (int half = 8; half != 0; half /= 2)
      for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
    a.sum[r] = nan ? double(bit_cast<float>(kFloatQuietNaN)) : lane[0];
  }
}

}  // namespace nibble::magnitudes
