// Records of runs in which a variant agreed with its reference: bench/proofs/<op>.jsonl.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/status.h"
#include "nibble/harness/verify.h"

namespace nibble::harness {

// Writes a line for every green variant of the reports into DIR/<op>.jsonl, in place of earlier
// lines for the same variant and machine, by a temporary file and a rename. CUDA variants ran on
// the machine's device: a GPU proves them, ptxrun executes them (those of its own architecture
// count). `emulated` is for runs under qemu-user, which get a name of their own, so that they do
// not take the place of a proof by execution. Reports of several ops may be mixed.
Status write_proofs(const std::string& dir, const std::vector<VariantReport>&, const Machine&,
                    bool emulated);

}  // namespace nibble::harness
