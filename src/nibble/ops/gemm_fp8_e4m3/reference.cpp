#include "nibble/cpu/fp8_product_reference.h"
#include "nibble/ops/gemm_fp8_e4m3/gemm_fp8_e4m3.h"

namespace nibble::gemm_fp8_e4m3 {
namespace {

float activation(e4m3 x) { return to_float(x); }

}  // namespace

Status Op::check(const Args& a) { return cpu::fp8_check<Op>(a); }
void Op::buffers(Args& a, BufferVisitor& v) { cpu::fp8_buffers(a, v); }
void Op::reference(const Args& a) { cpu::fp8_reference(a, activation); }

}  // namespace nibble::gemm_fp8_e4m3
