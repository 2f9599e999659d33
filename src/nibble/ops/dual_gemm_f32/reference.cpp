#include "nibble/numerics/dense_dual_reference.h"
#include "nibble/ops/dual_gemm_f32/dual_gemm_f32.h"

namespace nibble::dual_gemm_f32 {

Status Op::check(const Args& a) { return dense_dual_check("dual_gemm_f32", a); }
void Op::buffers(Args& a, BufferVisitor& v) { dense_dual_buffers(a, v); }
void Op::reference(const Args& a) { dense_dual_reference(a); }
Tolerance Op::tolerance(const Args& a) { return dense_dual_tolerance(a); }

}  // namespace nibble::dual_gemm_f32
