// Runs every variant that a machine can run on every case, against the op's reference.
//
// A case runs with two sets of inputs and in four ways: its buffers end at a page that cannot be
// touched; begin at one; stand at the least alignment that the contract allows; and again with
// real worker threads. Each run finds other poison in outputs and workspaces, and all runs of a set
// of inputs must give the same bits. Inputs cannot be written while a run is on one thread. Faults
// are caught on the calling thread alone, so the runs that look for them let one thread play all
// workers (serial_pool.h); real threads come last, when a variant has shown that it keeps inside
// its buffers. What CUDA variants go through is in verify_device.h.
#pragma once
#include <string>
#include <vector>

#include "nibble/harness/op_view.h"

namespace nibble::harness {

struct VerifyOptions {
  Machine machine;                       // which variants may run
  std::vector<int> threads = {1, 2, 7};  // of the runs with real workers
  std::string variant, case_name;        // empty: all; of variants several, with commas
  bool bench_cases = false;              // verify the bench cases too
  bool device_only = false;              // no variant for the CPU
  // Under qemu a masked vector load touches the lanes that it leaves out, which no CPU does: no
  // buffer is laid with its end at a page then.
  bool emulated = false;
};

// Whether `names`, one or several with commas between them, has this one; empty has all.
bool names_variant(std::string_view names, std::string_view variant);

struct VariantReport {
  std::string op, variant;
  IsaSet needs;
  int cases = 0, failed = 0;  // cases that ran, and those that did not agree
  double worst = 0;           // largest |got - want| over all outputs
  double worst_rel_l2 = 0;
  std::string not_run;                // why nothing ran; empty if something did
  std::vector<std::string> failures;  // the first few, each with a command that reproduces it
  bool green() const { return cases > 0 && failed == 0; }
};

std::vector<VariantReport> verify(const OpView&, const VerifyOptions&);

// What the op's cases do not ask of its variants, or empty: an op with inputs needs at least one
// case that fills them in the way a variant is likeliest to get wrong, beside the random ones.
std::string missing_cases(const OpView&);

// For test.cpp: verifies with this machine, prints what ran, what did not and why. 0: something ran
// and all of it agreed; 77: nothing ran; 1 otherwise, or when `rest_ok` is false.
int verify_main(std::string_view op_name, bool rest_ok = true);
int exit_code(const std::vector<VariantReport>&, bool rest_ok = true);

}  // namespace nibble::harness
