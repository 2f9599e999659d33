#include "bench_device.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "nibble/cuda/device.h"
#include "nibble/harness/device_bench.h"
#include "nibble/harness/machine.h"
#include "nibble/runtime/error.h"

namespace nibble::app {
namespace {

void print(const harness::DeviceBenchResult& r, const Machine& m, bool json) {
  if (json) {
    nlohmann::ordered_json j = {{"op", r.op},
                                {"variant", r.variant},
                                {"case", r.case_name},
                                {"median_us", r.median_us},
                                {"p10_us", r.p10_us},
                                {"p90_us", r.p90_us},
                                {"gb_per_s", r.gb_per_s},
                                {"read_gb_per_s", r.read_gb_per_s},
                                {"copy_gb_per_s", r.copy_gb_per_s},
                                {"share", r.share()},
                                {"ran_on", m.gpu_model}};
    if (!r.wrong.empty()) j["wrong"] = r.wrong;
    fmt::print("{}\n", j.dump());
  } else if (!r.wrong.empty()) {
    fmt::print("refused  {}/{} {}: {}\n", r.op, r.variant, r.case_name, r.wrong);
  } else {
    fmt::print("{}/{} {}: {:.2f} us ({:.2f} to {:.2f}), {:.0f} GB/s, {:.0f} % of {:.0f} read\n",
               r.op, r.variant, r.case_name, r.median_us, r.p10_us, r.p90_us, r.gb_per_s,
               100 * r.share(), r.read_gb_per_s);
  }
  std::fflush(stdout);
}

}  // namespace

Exit bench_device(const std::string& op, const std::string& variant, const std::string& case_name,
                  bool json) {
  const Machine& m = harness::machine_with_device();
  if (!is_cuda(m.isas)) throw Error("there is no GPU here that a CUDA variant is for");
  harness::DeviceBenchOptions options{.machine = m, .variant = variant, .case_name = case_name};
  // ptxrun counts instructions in place of time: a sign that all of it runs, and no more.
  if (cuda::is_virtual(m)) options.samples = 1, options.cold_bytes = 1 << 20;
  int timed = 0, refused = 0;
  for (const auto* view : harness::all_ops()) {
    if (op != "all" && view->name() != op) continue;
    for (const auto& r : harness::device_bench(*view, options)) {
      print(r, m, json);
      ++(r.wrong.empty() ? timed : refused);
    }
  }
  return refused ? 1 : timed ? 0 : 77;
}

}  // namespace nibble::app
