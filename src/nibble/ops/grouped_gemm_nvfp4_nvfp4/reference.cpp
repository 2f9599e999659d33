#include "nibble/numerics/fp4_product_reference.h"
#include "nibble/ops/grouped_gemm_nvfp4_nvfp4/grouped_gemm_nvfp4_nvfp4.h"

namespace nibble::grouped_gemm_nvfp4_nvfp4 {

Status Op::check(const Args& a) {
  return fp4_grouped_check("grouped_gemm_nvfp4_nvfp4", kLayout, a);
}
Status check_offsets(const Args& a) { return offsets_check("grouped_gemm_nvfp4_nvfp4", a); }
void Op::buffers(Args& a, BufferVisitor& v) {
  fp4_grouped_buffers(kLayout, a, workspace_bytes(a.m, a.k), v);
}
Work Op::work(const Args& a) {
  Work w = grouped_work(kLayout, a);
  w.bytes -= a.m * a.k / 16 * (16 - 9);  // of a block of x: 8 bytes and a scale
  return w;
}
void Op::reference(const Args& a) { fp4_grouped_reference(kLayout, a); }

}  // namespace nibble::grouped_gemm_nvfp4_nvfp4
