#include <algorithm>
#include <cmath>

#include "nibble/numerics/ternary_hash.h"
#include "nibble/numerics/ternary_packed.h"
#include "nibble/ops/shadow_update/kernels.h"

namespace nibble::shadow_update {
namespace {

int8_t weight_of(float shadow) {
  return std::isnan(shadow) ? int8_t(0)
                            : int8_t(std::fmin(std::fmax(std::nearbyint(shadow), -1), 1));
}

}  // namespace

Status Op::check(const Args& a) {
  if (a.n < 1 || a.pairs < 1)
    return Status::error("shadow_update: n and pairs must be positive, got n=" +
                         std::to_string(a.n) + ", pairs=" + std::to_string(a.pairs));
  if (a.terms < 0 || a.terms > 127)
    return Status::error("shadow_update: terms must be in 0..127, got " + std::to_string(a.terms));
  if (!a.seed || !a.weight || !a.ema || !a.shadow || !a.z || !a.squares)
    return Status::error(
        "shadow_update: seed, weight, ema, shadow, z and squares must not be null");
  if (in_bytes(a.ternary) != (a.w != nullptr))
    return Status::error("shadow_update: w must be given exactly where ternary is bytes or both");
  if (in_two_bits(a.ternary) != (a.packed != nullptr))
    return Status::error(
        "shadow_update: packed must be given exactly where ternary is two_bit or both");
  if (!(a.eps > 0) && a.rms != Rms::off)
    return Status::error("shadow_update: eps must be positive, got " + std::to_string(a.eps));
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("seed", a.seed, a.pairs);
  v.in("weight", a.weight, a.pairs);
  v.inout("ema", a.ema, 1);
  v.inout("shadow", a.shadow, a.n);
  v.out("w", a.w, in_bytes(a.ternary) ? a.n : 0);
  v.out("packed", a.packed, in_two_bits(a.ternary) ? packed_bytes(a.n) : 0);
  v.workspace("z", a.z, a.n);
  v.workspace("squares", a.squares, pieces(a.n));
}

float inverse_rms(const Args& a) {
  if (a.rms == Rms::off) return 1;
  double total = 0;
  for (int64_t p = 0; p < pieces(a.n); ++p) total += a.squares[p];
  const float ms = float(total / double(a.n));
  const float before = *a.ema == 0 ? ms : *a.ema;
  const float now = a.ema_beta * before + (1 - a.ema_beta) * ms;
  *a.ema = now;
  return a.rms == Rms::inside ? 1 / std::sqrt(now + a.eps) : 1 / (std::sqrt(now) + a.eps);
}

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.n; ++i) {
    a.z[i] = 0;
    for (int p = 0; p < a.pairs; ++p)
      if (a.weight[p] != 0)
        a.z[i] =
            std::fma(a.weight[p], float(ternary_noise(a.seed[p], uint64_t(i), a.terms)), a.z[i]);
  }
  for (int64_t piece = 0; piece < pieces(a.n); ++piece) {
    float lane[16] = {};
    for (int64_t i = piece * kPiece; i < a.n && i < (piece + 1) * kPiece; ++i)
      lane[i % 16] = std::fma(a.z[i], a.z[i], lane[i % 16]);
    for (int half = 8; half; half /= 2)
      for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
    a.squares[piece] = lane[0];
  }
  const float inv = inverse_rms(a);
  for (int64_t i = 0; i < a.n; ++i) {
    const float g = inv * a.z[i];
    if (!(std::fabs(g) < a.threshold)) a.shadow[i] = std::fma(a.lr, g, a.shadow[i]);
    if (a.w) a.w[i] = weight_of(a.shadow[i]);
  }
  for (int64_t i = 0; a.packed && i < a.n; i += 4) {
    int8_t w[4];
    const int count = int(std::min<int64_t>(4, a.n - i));
    for (int j = 0; j < count; ++j) w[j] = weight_of(a.shadow[i + j]);
    a.packed[i / 4] = pack_ternaries(TernaryPacking::two_bit, w, count);
  }
}

}  // namespace nibble::shadow_update
