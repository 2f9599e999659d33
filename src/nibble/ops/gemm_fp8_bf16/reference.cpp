#include "nibble/cpu/fp8_product_reference.h"
#include "nibble/ops/gemm_fp8_bf16/gemm_fp8_bf16.h"

namespace nibble::gemm_fp8_bf16 {
namespace {

// What is below 2^-100 counts as 0.
float activation(bf16 x) {
  const float v = to_float(x);
  return std::abs(v) < 0x1p-100f ? 0.0f : v;
}

}  // namespace

Status Op::check(const Args& a) { return cpu::fp8_check<Op>(a); }
void Op::buffers(Args& a, BufferVisitor& v) { cpu::fp8_buffers(a, v); }
void Op::reference(const Args& a) { cpu::fp8_reference(a, activation); }

}  // namespace nibble::gemm_fp8_bf16
