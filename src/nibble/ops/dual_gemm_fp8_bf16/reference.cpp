#include "nibble/cpu/fp8_dual.h"
#include "nibble/cpu/fp8_product_reference.h"
#include "nibble/numerics/dual_reference.h"
#include "nibble/ops/dual_gemm_fp8_bf16/dual_gemm_fp8_bf16.h"

namespace nibble::dual_gemm_fp8_bf16 {
namespace {

int64_t factors(const Args& a) { return cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k); }

std::vector<float> product(const Args& a, const uint8_t* w, const float* w_scale) {
  std::vector<float> y(size_t(a.m) * size_t(a.n));
  auto half = cpu::fp8_half(a, w, w_scale);
  half.y = y.data(), half.ldy = a.n;
  cpu::fp8_reference(half, cpu::fp8_bf16_number);
  return y;
}

}  // namespace

Status Op::check(const Args& a) {
  if (a.k < 1)
    return Status::error("dual_gemm_fp8_bf16: k must be positive, got " + std::to_string(a.k));
  return dual_check("dual_gemm_fp8_bf16", a, 64, a.w_factors != Factors::none);
}
void Op::buffers(Args& a, BufferVisitor& v) {
  dual_buffers(a, kLayout.bytes(a.n, a.k), factors(a), workspace_bytes(a.m, a.k), 64, v);
}
void Op::reference(const Args& a) {
  silu_mul(a, product(a, a.gate, a.gate_scale), product(a, a.up, a.up_scale));
}
Tolerance Op::tolerance(const Args& a) {
  double x = 0;
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) {
      const float v = to_float(a.x[i * a.ldx + k]);
      x = std::fmax(x, greatest_of(&v, 1));
    }
  const double factor = a.w_factors == Factors::none ? 1 : greatest_of(a.up_scale, factors(a));
  return silu_mul_tolerance(double(a.k) * 448 * x * factor);
}

}  // namespace nibble::dual_gemm_fp8_bf16
