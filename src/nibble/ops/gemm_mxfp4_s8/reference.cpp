#include "nibble/numerics/fp4_product_reference.h"
#include "nibble/ops/gemm_mxfp4_s8/gemm_mxfp4_s8.h"

namespace nibble::gemm_mxfp4_s8 {

Status Op::check(const Args& a) { return fp4_product_check("gemm_mxfp4_s8", kLayout, a); }
void Op::buffers(Args& a, BufferVisitor& v) {
  fp4_product_buffers(kLayout, a, workspace_bytes(a.m, a.k), v);
}
void Op::reference(const Args& a) { fp4_product_reference(kLayout, a); }

}  // namespace nibble::gemm_mxfp4_s8
