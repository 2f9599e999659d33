#include "nibble/cpu/dense_grouped_reference.h"
#include "nibble/ops/grouped_gemm_bf16/grouped_gemm_bf16.h"

namespace nibble::grouped_gemm_bf16 {

Status Op::check(const Args& a) { return cpu::dense_grouped_check("grouped_gemm_bf16", a); }
Status check_offsets(const Args& a) { return offsets_check("grouped_gemm_bf16", a); }
void Op::buffers(Args& a, BufferVisitor& v) { cpu::dense_grouped_buffers(a, v); }
void Op::reference(const Args& a) { cpu::dense_grouped_reference(a); }
Work Op::work(const Args& a) { return cpu::dense_grouped_work(a, Arithmetic::bf16); }

}  // namespace nibble::grouped_gemm_bf16
