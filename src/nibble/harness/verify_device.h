// Runs a CUDA variant on one case, on the device of this process: a GPU or ptxrun.
#pragma once
#include <string>
#include <vector>

#include "nibble/harness/judge.h"
#include "nibble/harness/op_view.h"

namespace nibble::harness {

// A case with the answers of the reference for each of its sets of inputs.
struct Answers {
  const std::vector<Buffer>& buffers;
  const Contents *before, *want;
  const Tolerance* tolerance;  // which may depend on the inputs, read where the host can
};

// Four runs: buffers that end with their allocation and buffers at the least alignment; two sets of
// inputs at the same addresses, each with two poisons; one run is captured into a graph, which a
// variant that waits or allocates cannot be. What was wrong with the first bad one, or nothing;
// `bits` are the outputs for each set of inputs.
std::string verify_on_device(const OpView&, int case_index, int variant, const Answers&,
                             VariantReport&, Contents* bits);

}  // namespace nibble::harness
