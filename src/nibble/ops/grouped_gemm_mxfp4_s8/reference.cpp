#include "nibble/numerics/fp4_product_reference.h"
#include "nibble/ops/grouped_gemm_mxfp4_s8/grouped_gemm_mxfp4_s8.h"

namespace nibble::grouped_gemm_mxfp4_s8 {

Status Op::check(const Args& a) { return fp4_grouped_check("grouped_gemm_mxfp4_s8", kLayout, a); }
Status check_offsets(const Args& a) { return offsets_check("grouped_gemm_mxfp4_s8", a); }
void Op::buffers(Args& a, BufferVisitor& v) {
  fp4_grouped_buffers(kLayout, a, workspace_bytes(a.m, a.k), v);
}
Work Op::work(const Args& a) { return grouped_work(kLayout, a); }
void Op::reference(const Args& a) { fp4_grouped_reference(kLayout, a); }

}  // namespace nibble::grouped_gemm_mxfp4_s8
