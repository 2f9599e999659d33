// Times CUDA variants on the device of this process, against bandwidths measured between the
// samples.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/machine.h"
#include "nibble/harness/op_view.h"

namespace nibble::harness {

struct DeviceBenchOptions {
  Machine machine;
  std::string variant, case_name;  // empty: all that the device runs, every bench case
  bool least = false;              // of the bench cases it takes, the first of fewest bytes
  int samples = 21;
  // Of copies of a case, and of what the roofs are measured with: several times what caches hold.
  int64_t cold_bytes = int64_t(1) << 29;
};

struct DeviceBenchResult {
  std::string op, variant, case_name, wrong;     // `wrong`: why there is no time, or empty
  double median_us = 0, p10_us = 0, p90_us = 0;  // of one launch out of a graph of cold ones
  double gb_per_s = 0;                           // of the op's least bytes
  double read_gb_per_s = 0, copy_gb_per_s = 0;   // of the device, copies counted twice
  double share() const { return read_gb_per_s > 0 ? gb_per_s / read_gb_per_s : 0; }
};

// A variant is verified on the case, then launched on copies of it in turn, more bytes than caches
// hold, as one graph; every copy's outputs must have the same bits afterwards.
std::vector<DeviceBenchResult> device_bench(const OpView&, const DeviceBenchOptions&);

struct DeviceLaunch {
  std::string op, variant, case_name, wrong;
  Work work;
  int64_t elements = 0;  // of the largest buffer
};

// A variant once on each case and nothing else, neither timed nor verified: for what counts while
// it runs, Nsight Compute or ptxrun.
std::vector<DeviceLaunch> launch_once(const OpView&, const DeviceBenchOptions&);

}  // namespace nibble::harness
