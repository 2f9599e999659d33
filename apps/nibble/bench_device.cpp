#include "bench_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "nibble/cuda/ceilings.h"
#include "nibble/cuda/device.h"
#include "nibble/cuda/peaks.h"
#include "nibble/cuda/stream.h"
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

void print(const harness::DeviceLaunch& l, bool json) {
  if (json) {
    nlohmann::ordered_json j = {
        {"op", l.op},        {"variant", l.variant},  {"case", l.case_name},
        {"ops", l.work.ops}, {"bytes", l.work.bytes}, {"elements", l.elements}};
    if (!l.wrong.empty()) j["wrong"] = l.wrong;
    fmt::print("{}\n", j.dump());
  } else if (!l.wrong.empty()) {
    fmt::print("refused  {}/{} {}: {}\n", l.op, l.variant, l.case_name, l.wrong);
  } else {
    fmt::print("launched {}/{} {}\n", l.op, l.variant, l.case_name);
  }
  std::fflush(stdout);
}

const Machine& machine_with_gpu() {
  const Machine& m = harness::machine_with_device();
  if (!is_cuda(m.isas)) throw Error("there is no GPU here that a CUDA variant is for");
  return m;
}

void print_ceiling(std::string_view name, double value, std::string_view unit, bool json,
                   const Machine& m) {
  if (json)
    fmt::print("{}\n",
               nlohmann::ordered_json{
                   {"ceiling", name}, {"value", value}, {"unit", unit}, {"ran_on", m.gpu_model}}
                   .dump());
  else
    fmt::print("{:<14} {:>9.1f} {}\n", name, value, unit);
}

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + long(x.size() / 2), x.end());
  return x[x.size() / 2];
}

}  // namespace

std::string small_case(const harness::OpView& op, int variant) {
  std::string name;
  int64_t most = -1;
  for (int c = 0; c < op.num_cases(); ++c) {
    const auto bound = op.bind(c);
    const int64_t bytes = bound->work().bytes;
    if (op.case_info(c).bench || bytes <= most || bytes > 1 << 16) continue;
    if (bound->takes(variant).empty()) most = bytes, name = op.case_info(c).name;
  }
  return name;
}

Exit bench_device(const DeviceBench& b) {
  const Machine& m = machine_with_gpu();
  harness::DeviceBenchOptions options{
      .machine = m, .variant = b.variant, .case_name = b.case_name, .least = b.least};
  // ptxrun counts instructions in place of time: a sign that all of it runs, and no more.
  if (cuda::is_virtual(m)) options.samples = 1, options.cold_bytes = 1 << 20;
  int timed = 0, refused = 0;
  const auto run = [&](const harness::OpView& op) {
    if (b.once) {
      for (const auto& l : harness::launch_once(op, options)) {
        print(l, b.json);
        ++(l.wrong.empty() ? timed : refused);
      }
      return;
    }
    for (const auto& r : harness::device_bench(op, options)) {
      print(r, m, b.json);
      ++(r.wrong.empty() ? timed : refused);
    }
  };
  for (const auto* view : harness::all_ops()) {
    if (b.op != "all" && view->name() != b.op) continue;
    if (!b.small) {
      run(*view);
      continue;
    }
    for (int v = 0; v < view->num_variants(); ++v) {
      options.variant = view->variant(v).name, options.case_name = small_case(*view, v);
      const bool named = b.variant.empty() || b.variant == options.variant;
      if (named && !options.case_name.empty()) run(*view);
    }
  }
  return refused ? 1 : timed ? 0 : 77;
}

Exit device_ceilings(bool json) {
  const Machine& m = machine_with_gpu();
  const bool is_virtual = cuda::is_virtual(m);
  cuda::Stream stream;
  cuda::BandwidthProbe probe;
  throw_if(stream.create());
  throw_if(probe.create(is_virtual ? size_t(1) << 20 : size_t(1) << 29, stream.get()));
  std::vector<double> read, copy;
  for (int i = 0; i < (is_virtual ? 1 : 21); ++i) {
    cuda::Bandwidth b;
    throw_if(probe.measure(stream.get(), b));
    read.push_back(b.read_gb_per_s), copy.push_back(b.copy_gb_per_s);
  }
  print_ceiling("read", median(read), "GB/s", json, m);
  print_ceiling("copy", median(copy), "GB/s", json, m);
  std::vector<cuda::TensorPeak> peaks;
  throw_if(
      cuda::tensor_peaks(m.isas, is_virtual ? 1 : 11, is_virtual ? 2 : 4096, stream.get(), peaks));
  for (const auto& p : peaks) print_ceiling(p.name, p.tera_ops, "Tops/s", json, m);
  return 0;
}

}  // namespace nibble::app
