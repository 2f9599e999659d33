// Records of runs in which a variant agreed with its reference: bench/proofs/<op>.jsonl.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/status.h"
#include "nibble/harness/verify.h"

namespace nibble::harness {

// Writes a line for every green variant of the reports into DIR/<op>.jsonl, in place of earlier
// lines for the same variant and machine, by a temporary file and a rename. `emulated` is for runs
// under qemu-user. Reports of several ops may be mixed.
Status write_proofs(const std::string& dir, const std::vector<VariantReport>&,
                    const std::string& ran_on, bool emulated);

}  // namespace nibble::harness
