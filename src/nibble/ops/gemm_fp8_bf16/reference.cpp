#include "nibble/cpu/fp8_product_reference.h"
#include "nibble/ops/gemm_fp8_bf16/gemm_fp8_bf16.h"

namespace nibble::gemm_fp8_bf16 {

Status Op::check(const Args& a) { return cpu::fp8_check<Op>(a); }
void Op::buffers(Args& a, BufferVisitor& v) { cpu::fp8_buffers(a, v); }
void Op::reference(const Args& a) { cpu::fp8_reference(a, cpu::fp8_bf16_number); }

}  // namespace nibble::gemm_fp8_bf16
