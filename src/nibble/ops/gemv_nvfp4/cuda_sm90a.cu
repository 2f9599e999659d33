#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm90a(const Args& a, const Exec& e) { run<cuda::tile::Widened, true>(a, e); }

}  // namespace nibble::gemv_nvfp4
