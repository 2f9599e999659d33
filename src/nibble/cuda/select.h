// The choice among CUDA variants, for arguments that lie in device memory. What lies in host memory
// is chosen for with nibble::select and a machine without a device, as cpu::this_machine() is.
#pragma once
#include "nibble/base/op.h"

namespace nibble::cuda {

template <OpContract Op>
const Variant<typename Op::Args>* select(const typename Op::Args& a, const Machine& m,
                                         std::span<const Proof> proofs = compiled_proofs()) {
  const Variant<typename Op::Args>* best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& v : Op::variants()) {
    if (!is_cuda(v.needs) || !refusal(Op::name, v, a, m, proofs).empty()) continue;
    if (const double c = v.cost(a, m); c < least) least = c, best = &v;
  }
  return best;
}

}  // namespace nibble::cuda
