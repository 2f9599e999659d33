// Private to this layer: the kernels behind peaks.h, of each architecture.
#pragma once
#include <span>
#include <string_view>

#include "nibble/base/machine.h"

namespace nibble::cuda {

// Every thread writes the sum of its own sums to `to`.
struct PeakKernel {
  std::string_view name;
  IsaSet needs;
  int threads, blocks;   // of a block; for a multiprocessor
  double macs, per_sum;  // of a block in one loop; what each of them adds to one sum of d
  int sums;              // of a thread
  void (*run)(int blocks, int loops, float* to, void* stream);
};
std::span<const PeakKernel> peaks_sm80();
std::span<const PeakKernel> peaks_sm89();
std::span<const PeakKernel> peaks_sm90a();
std::span<const PeakKernel> peaks_sm100a();
std::span<const PeakKernel> peaks_sm120f();

}  // namespace nibble::cuda
