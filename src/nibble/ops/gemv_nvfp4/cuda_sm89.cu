#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm89(const Args& a, const Exec& e) { run<cuda::tile::Widened, false>(a, e); }

}  // namespace nibble::gemv_nvfp4
