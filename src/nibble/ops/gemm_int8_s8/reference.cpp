#include "nibble/numerics/s8_product_reference.h"
#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"

namespace nibble::gemm_int8_s8 {

Status Op::check(const Args& a) { return s8_product_check("gemm_int8_s8", a, kMaxK); }
void Op::buffers(Args& a, BufferVisitor& v) {
  s8_product_buffers(kLayout, a, scratch_bytes(a.m, a.n, a.k, a.batch), v);
}
void Op::reference(const Args& a) {
  for (int64_t l = 0; l < a.batch; ++l)
    s8_product_reference(kLayout, entry(a, l), [](int code) { return int8_t(code); });
}

}  // namespace nibble::gemm_int8_s8
