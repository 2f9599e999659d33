#include "nibble/cpu/s8_panels_portable.h"
#include "nibble/ops/gemm_base3_s8/kernels.h"

namespace nibble::cpu {
namespace {

struct Base3Codes {
  static constexpr Base3Panel kLayout{kPanelRows};
};
template <>
void decode_tile<Base3Codes>(const uint8_t* tile, int8_t (*w)[kPanelRows]) {
  for (int k = 0; k < Base3Panel::tile_k(); ++k)
    for (int r = 0; r < kPanelRows; ++r)
      w[k][r] = int8_t(Base3Codes::kLayout.weight_at(tile, r, k));
}

}  // namespace
}  // namespace nibble::cpu

namespace nibble::gemm_base3_s8 {

void portable(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) cpu::run_s8_portable<cpu::Base3Codes>(entry(a, l), e);
}

}  // namespace nibble::gemm_base3_s8
