// How fast the device's tensor cores multiply when nothing else is done: what GEMMs are held
// against.
#pragma once
#include <string_view>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/base/status.h"

namespace nibble::cuda {

struct TensorPeak {
  std::string_view name;  // of the function of ptx/ that multiplies: "mma_bf16", "wgmma_s8"
  double tera_ops = 0;    // a multiply-add is two
};

// Of every kind of product among `isas`: the median of `samples` launches of one block, or two, a
// multiprocessor. Operands are 1 and -1 so that every sum is known; a wrong one is an error.
Status tensor_peaks(IsaSet isas, int samples, int loops, void* stream, std::vector<TensorPeak>&);

}  // namespace nibble::cuda
