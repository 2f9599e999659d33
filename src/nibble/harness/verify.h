// Runs every variant that a machine can run on every case, against the op's reference.
#pragma once
#include <string>
#include <vector>

#include "nibble/harness/op_view.h"

namespace nibble::harness {

struct VerifyOptions {
  Machine machine;                       // which variants may run
  std::vector<int> threads = {1, 2, 7};  // results must not depend on it
  std::string variant, case_name;        // empty: all
  bool bench_cases = false;              // verify the bench cases too
};

struct VariantReport {
  std::string op, variant;
  IsaSet needs;
  int cases = 0, failed = 0;  // cases that ran, and those that did not agree
  double worst = 0;           // largest |got - want| over all outputs
  double worst_rel_l2 = 0;
  std::string not_run;                // why nothing ran; empty if something did
  std::vector<std::string> failures;  // one sentence each, with a command that reproduces it
  bool green() const { return cases > 0 && failed == 0; }
};

std::vector<VariantReport> verify(const OpView&, const VerifyOptions&);

// For test.cpp: verifies with this machine, prints what ran, what did not and why. 0: something ran
// and all of it agreed; 77: nothing ran; 1 otherwise, or when `rest_ok` is false.
int verify_main(std::string_view op_name, bool rest_ok = true);
int exit_code(const std::vector<VariantReport>&, bool rest_ok = true);

}  // namespace nibble::harness
