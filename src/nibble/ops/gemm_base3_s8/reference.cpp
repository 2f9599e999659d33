#include "nibble/numerics/s8_product_reference.h"
#include "nibble/ops/gemm_base3_s8/gemm_base3_s8.h"

namespace nibble::gemm_base3_s8 {

Status Op::check(const Args& a) { return s8_product_check("gemm_base3_s8", a, kMaxK); }
void Op::buffers(Args& a, BufferVisitor& v) {
  s8_product_buffers(kLayout, a, scratch_bytes(a.m, a.k), v);
}
void Op::reference(const Args& a) {
  for (int64_t l = 0; l < a.batch; ++l)
    s8_tiles_reference(kLayout, entry(a, l), [](const uint8_t* tile, int r, int k) {
      return kLayout.weight_at(tile, r, k);
    });
}

}  // namespace nibble::gemm_base3_s8
