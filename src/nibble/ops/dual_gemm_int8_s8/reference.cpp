#include "nibble/cpu/s8_dual_reference.h"
#include "nibble/ops/dual_gemm_int8_s8/dual_gemm_int8_s8.h"

namespace nibble::dual_gemm_int8_s8 {

Status Op::check(const Args& a) { return cpu::s8_dual_check("dual_gemm_int8_s8", a, kMaxK); }
void Op::buffers(Args& a, BufferVisitor& v) {
  cpu::s8_dual_buffers(kLayout, a, workspace_bytes(a.m, a.k), v);
}
void Op::reference(const Args& a) {
  cpu::s8_dual_reference(kLayout, a, [](int code) { return int8_t(code); });
}
Tolerance Op::tolerance(const Args& a) { return cpu::s8_dual_tolerance(a, 128); }

}  // namespace nibble::dual_gemm_int8_s8
