#include "nibble/cpu/groups.h"
#include "nibble/numerics/grouped_contract.h"
#include "nibble/numerics/s8_product_reference.h"
#include "nibble/ops/grouped_gemm_int8_s8/grouped_gemm_int8_s8.h"

namespace nibble::grouped_gemm_int8_s8 {

Status Op::check(const Args& a) {
  if (Status s = grouped_check("grouped_gemm_int8_s8", kLayout, a); !s.ok()) return s;
  return s8_product_check("grouped_gemm_int8_s8", a, kMaxK);
}
Status check_offsets(const Args& a) { return offsets_check("grouped_gemm_int8_s8", a); }
void Op::buffers(Args& a, BufferVisitor& v) {
  grouped_buffers(kLayout, a, v);
  v.in("w_scale", a.w_scale, int64_t(a.groups) * a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m);
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("scratch", a.scratch, scratch_bytes(a.m, a.k), 64);
}
Work Op::work(const Args& a) { return grouped_work(kLayout, a); }
void Op::reference(const Args& a) {
  for (int g = 0; g < a.groups; ++g)
    s8_product_reference(kLayout, cpu::group_of(a, g, a.n), [](int code) { return int8_t(code); });
}

}  // namespace nibble::grouped_gemm_int8_s8
