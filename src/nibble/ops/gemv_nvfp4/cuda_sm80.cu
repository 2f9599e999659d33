#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::Shifted, false>(a, e); }

}  // namespace nibble::gemv_nvfp4
