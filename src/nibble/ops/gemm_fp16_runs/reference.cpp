#include "nibble/numerics/dense_reference.h"
#include "nibble/ops/gemm_fp16_runs/gemm_fp16_runs.h"

namespace nibble::gemm_fp16_runs {

Status Op::check(const Args& a) { return dense_check("gemm_fp16_runs", a); }
void Op::buffers(Args& a, BufferVisitor& v) { dense_buffers(a, v); }
void Op::reference(const Args& a) { dense_reference(a); }

}  // namespace nibble::gemm_fp16_runs
