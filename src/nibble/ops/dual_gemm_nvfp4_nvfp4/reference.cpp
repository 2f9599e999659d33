#include "nibble/numerics/fp4_dual_reference.h"
#include "nibble/ops/dual_gemm_nvfp4_nvfp4/dual_gemm_nvfp4_nvfp4.h"

namespace nibble::dual_gemm_nvfp4_nvfp4 {

Status Op::check(const Args& a) { return fp4_dual_check("dual_gemm_nvfp4_nvfp4", kLayout, a); }
void Op::buffers(Args& a, BufferVisitor& v) {
  fp4_dual_buffers(kLayout, a, workspace_bytes(a.m, a.k), v);
}
void Op::reference(const Args& a) { fp4_dual_reference(kLayout, a); }
Tolerance Op::tolerance(const Args& a) { return fp4_dual_tolerance(kLayout, a); }

}  // namespace nibble::dual_gemm_nvfp4_nvfp4
