#include "nibble/cpu/s8_grouped_reference.h"
#include "nibble/ops/grouped_gemm_int8_s8/grouped_gemm_int8_s8.h"

namespace nibble::grouped_gemm_int8_s8 {

Status Op::check(const Args& a) {
  return cpu::s8_grouped_check("grouped_gemm_int8_s8", kLayout, a, kMaxK);
}
Status check_offsets(const Args& a) { return offsets_check("grouped_gemm_int8_s8", a); }
void Op::buffers(Args& a, BufferVisitor& v) {
  cpu::s8_grouped_buffers(kLayout, a, scratch_bytes(a.m, a.k), v);
}
Work Op::work(const Args& a) { return grouped_work(kLayout, a); }
void Op::reference(const Args& a) {
  cpu::s8_grouped_reference(kLayout, a, [](int code) { return int8_t(code); });
}

}  // namespace nibble::grouped_gemm_int8_s8
