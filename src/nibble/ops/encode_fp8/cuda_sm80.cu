// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, redux.sync.max.u32, st.global.v2.u32
#include "nibble/ops/encode_fp8/kernel.cuh"

namespace nibble::encode_fp8 {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::encode_fp8
