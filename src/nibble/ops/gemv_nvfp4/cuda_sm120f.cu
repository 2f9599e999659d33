#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm120f(const Args& a, const Exec& e) { run<cuda::tile::Converted, true>(a, e); }

}  // namespace nibble::gemv_nvfp4
