#include <algorithm>
#include <cmath>

#include "nibble/ops/cross_entropy/cross_entropy.h"

namespace nibble::cross_entropy {

Status Op::check(const Args& a) {
  if (a.rows < 1)
    return Status::error("cross_entropy: rows must be positive, got " + std::to_string(a.rows));
  if (a.symbols < 1 || a.symbols > kMaxSymbols)
    return Status::error("cross_entropy: symbols must be in 1..256, got " +
                         std::to_string(a.symbols));
  if (a.ld < a.symbols || (a.ld_gradient != 0 && a.ld_gradient < a.symbols))
    return Status::error("cross_entropy: ld and ld_gradient must be at least symbols=" +
                         std::to_string(a.symbols) + " (ld_gradient may be 0), got " +
                         std::to_string(a.ld) + " and " + std::to_string(a.ld_gradient));
  if (!(a.eps >= 0) || !std::isfinite(a.eps) || !std::isfinite(a.scale))
    return Status::error("cross_entropy: scale must be finite, eps finite and not negative");
  if ((a.logits != nullptr) != (a.source == Source::f32) ||
      (a.sums != nullptr) != (a.source == Source::s32))
    return Status::error("cross_entropy: source f32 takes logits only, s32 takes sums only");
  if ((a.bias != nullptr) != a.biased || (a.gradient != nullptr) != (a.ld_gradient != 0))
    return Status::error(
        "cross_entropy: bias is given exactly if biased, gradient exactly if ld_gradient is not 0");
  if (a.share < 1 || a.with_noise != (a.noise && a.steps) ||
      (a.with_noise && a.source != Source::s32))
    return Status::error(
        "cross_entropy: share must be positive, noise and steps as with_noise says, for s32 only");
  if (!a.target || !a.loss) return Status::error("cross_entropy: target and loss must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t used = (a.rows - 1) * a.ld + a.symbols;
  v.in("logits", a.logits, a.source == Source::f32 ? used : 0);
  v.in("sums", a.sums, a.source == Source::s32 ? used : 0);
  v.in("bias", a.bias, a.biased ? a.symbols : 0);
  const int64_t noise_rows = a.with_noise ? (a.rows + a.share - 1) / a.share : 0;
  v.in("noise", a.noise, noise_rows * ((a.symbols + 15) / 16));
  v.in("steps", a.steps, a.with_noise ? a.rows : 0);
  v.in("target", a.target, a.rows);
  v.out("loss", a.loss, a.rows);
  v.inout("gradient", a.gradient, a.ld_gradient ? (a.rows - 1) * a.ld_gradient + a.symbols : 0);
}

void Op::reference(const Args& a) {
  double l[kMaxSymbols];
  for (int64_t r = 0; r < a.rows; ++r) {
    for (int j = 0; j < a.symbols; ++j) {
      int32_t sum = a.sums ? a.sums[r * a.ld + j] : 0;
      if (a.noise) {
        const uint16_t bits = a.noise[r / a.share * ((a.symbols + 15) / 16) + j / 16];
        sum += (bits >> j % 16 & 1) != 0 ? a.steps[r] : -a.steps[r];
      }
      const float x = a.source == Source::f32 ? a.logits[r * a.ld + j] : float(sum);
      l[j] = std::fma(x, a.scale, a.biased ? a.bias[j] : 0.0f);
    }
    const double m = *std::max_element(l, l + a.symbols);
    double total = 0;
    for (int j = 0; j < a.symbols; ++j) total += std::exp(l[j] - m);
    a.loss[r] = float(std::log(total + double(a.eps)) - (l[a.target[r]] - m));
    if (!a.ld_gradient) continue;
    for (int j = 0; j < a.symbols; ++j)
      a.gradient[r * a.ld_gradient + j] = float(std::exp(l[j] - m) / total - (j == a.target[r]));
  }
}

}  // namespace nibble::cross_entropy
