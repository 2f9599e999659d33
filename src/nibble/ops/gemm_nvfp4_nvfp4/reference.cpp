#include "nibble/numerics/fp4_product_reference.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"

namespace nibble::gemm_nvfp4_nvfp4 {

Status Op::check(const Args& a) { return fp4_product_check("gemm_nvfp4_nvfp4", kLayout, a); }
void Op::buffers(Args& a, BufferVisitor& v) {
  fp4_product_buffers(kLayout, a, workspace_bytes(a.m, a.k), v);
}
void Op::reference(const Args& a) { fp4_product_reference(kLayout, a); }

}  // namespace nibble::gemm_nvfp4_nvfp4
