#include "nibble/cuda/nvtx.h"

#include <nvtx3/nvToolsExt.h>

namespace nibble::cuda {

Range::Range(const char* name) { nvtxRangePushA(name); }
Range::~Range() { nvtxRangePop(); }

}  // namespace nibble::cuda
