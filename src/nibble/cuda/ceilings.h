// How fast the device reads and copies its memory: what bandwidth-bound kernels are held against.
#pragma once
#include "nibble/cuda/memory.h"

namespace nibble::cuda {

struct Bandwidth {
  double read_gb_per_s = 0;
  double copy_gb_per_s = 0;  // bytes read and bytes written
};

class BandwidthProbe {
 public:
  Status create(size_t bytes, void* stream);  // a multiple of 64 KiB, more than the caches hold
  // One pass of each kind, timed by events; take the median of several.
  Status measure(void* stream, Bandwidth&);

 private:
  Memory from_, to_;
};

}  // namespace nibble::cuda
