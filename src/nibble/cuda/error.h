// What CUDA refused, as a Status.
#pragma once
#include <string_view>

#include "nibble/base/status.h"

namespace nibble::cuda {

// `code` is a cudaError_t: ok if it is 0, else "copying the weights: cudaErrorIllegalAddress (an
// illegal memory access was encountered)".
Status status_of(int code, std::string_view doing);

// Launches return no error to the op that makes them: what one of this thread's launches was
// refused for is remembered by CUDA. Returns it and forgets it.
Status take_launch_error(std::string_view doing);

}  // namespace nibble::cuda
