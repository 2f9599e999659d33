#include <vector>

#include "nibble/ops/gemm_s8_cross_entropy/gemm_s8_cross_entropy.h"

namespace nibble::gemm_s8_cross_entropy {

gemm_s8::Args product(const Args& a, int32_t* sums) {
  return {.m = a.rows,
          .n = a.symbols,
          .k = a.k,
          .lda = a.lda,
          .ldc = a.symbols,
          .a = a.a,
          .b = a.b,
          .c = sums};
}

cross_entropy::Args losses(const Args& a, const int32_t* sums) {
  return {.rows = a.rows,
          .symbols = a.symbols,
          .source = cross_entropy::Source::s32,
          .ld = a.symbols,
          .biased = a.biased,
          .scale = a.scale,
          .eps = a.eps,
          .sums = sums,
          .bias = a.bias,
          .with_noise = a.with_noise,
          .share = a.share,
          .noise = a.noise,
          .steps = a.steps,
          .target = a.target,
          .loss = a.loss};
}

Status Op::check(const Args& a) {
  int32_t sums = 0;  // something that is not null
  Status s = gemm_s8::Op::check(product(a, &sums));
  if (s.ok()) s = cross_entropy::Op::check(losses(a, &sums));
  return s.ok() ? s : Status::error("gemm_s8_cross_entropy: as " + s.why());
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("a", a.a, (a.rows - 1) * a.lda + a.k);
  v.in("b", a.b, gemm_s8::packed_bytes(a.symbols, a.k), 64);
  v.in("bias", a.bias, a.biased ? a.symbols : 0);
  const int64_t noise_rows = a.with_noise ? (a.rows + a.share - 1) / a.share : 0;
  v.in("noise", a.noise, noise_rows * ((a.symbols + 15) / 16));
  v.in("steps", a.steps, a.with_noise ? a.rows : 0);
  v.in("target", a.target, a.rows);
  v.out("loss", a.loss, a.rows);
}

void Op::reference(const Args& a) {
  std::vector<int32_t> sums(size_t(a.rows) * size_t(a.symbols));
  gemm_s8::Op::reference(product(a, sums.data()));
  cross_entropy::Op::reference(losses(a, sums.data()));
}

}  // namespace nibble::gemm_s8_cross_entropy
