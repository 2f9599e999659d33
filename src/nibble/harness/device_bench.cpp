#include "nibble/harness/device_bench.h"

#include <algorithm>
#include <limits>

#include "nibble/cuda/ceilings.h"
#include "nibble/cuda/stream.h"
#include "nibble/harness/device_memory.h"
#include "nibble/harness/verify.h"

namespace nibble::harness {
namespace {

constexpr int kMostCopies = 256;

struct Copy {
  std::unique_ptr<BoundCase> bound;
  DeviceMemory memory{false};
};

double at(std::vector<double> sorted, double quantile) {
  std::sort(sorted.begin(), sorted.end());
  return sorted[size_t(quantile * double(sorted.size() - 1))];
}

// The op's inputs once on the host, then on the device as often as it takes to fill `cold_bytes`,
// or once if that is 0.
Status make_copies(const OpView& op, int index, int64_t cold_bytes, std::vector<Copy>& copies,
                   void* stream) {
  const auto host = op.bind(index);
  CaseMemory memory;
  host->buffers(memory);
  host->fill(0);
  const Contents inputs = memory.save();
  const int64_t each = std::max<int64_t>(1, memory.footprint_bytes());
  copies.resize(
      cold_bytes == 0 ? 1 : size_t(std::clamp<int64_t>(cold_bytes / each + 1, 2, kMostCopies)));
  for (Copy& c : copies) {
    c.bound = op.bind(index);
    c.bound->buffers(c.memory);
    if (!c.memory.status().ok()) return c.memory.status();
    for (Role role : {Role::in, Role::inout}) c.memory.upload(inputs, role, stream);
    for (Role role : {Role::out, Role::workspace}) c.memory.poison(role, std::byte{0xff}, stream);
    if (Status s = cuda::synchronize(stream); !s.ok()) return s;
  }
  return {};
}

Status time_graph(const cuda::Graph& graph, void* stream, double& us) {
  cuda::Event first, last;
  float ms = 0;
  for (cuda::Event* e : {&first, &last})
    if (Status s = e->create(); !s.ok()) return s;
  if (Status s = first.record(stream); !s.ok()) return s;
  if (Status s = graph.launch(stream); !s.ok()) return s;
  if (Status s = last.record(stream); !s.ok()) return s;
  if (Status s = cuda::Event::between(first, last, ms); !s.ok()) return s;
  us = double(ms) * 1e3;
  return {};
}

// Of an op that reads and writes its inouts the copies go different ways: then nothing is compared.
Status compare_copies(std::vector<Copy>& copies, const OpView& op, int index, void* stream) {
  const auto host = op.bind(index);
  CaseMemory memory;
  host->buffers(memory);
  Contents first, now;
  for (Copy& c : copies) {
    if (Status s = c.memory.download(now, stream); !s.ok()) return s;
    if (first.empty()) first = now;
    for (size_t i = 0; i < now.size(); ++i)
      if (memory.buffers()[i].role == Role::out && now[i] != first[i])
        return Status::error("copies of " + memory.buffers()[i].name +
                             " differ after they were timed");
  }
  return {};
}

Status time_variant(const OpView& op, int index, int variant, const DeviceBenchOptions& options,
                    DeviceBenchResult& r) {
  cuda::Stream stream;
  if (Status s = stream.create(); !s.ok()) return s;
  std::vector<Copy> copies;
  if (Status s = make_copies(op, index, options.cold_bytes, copies, stream.get()); !s.ok())
    return s;
  cuda::Graph graph;
  if (Status s = graph.begin(stream.get()); !s.ok()) return s;
  for (const Copy& c : copies) c.bound->run(variant, {.stream = stream.get()});
  if (Status s = graph.end(stream.get()); !s.ok()) return s;
  cuda::BandwidthProbe probe;
  if (Status s = probe.create(size_t(options.cold_bytes), stream.get()); !s.ok()) return s;
  std::vector<double> us, read, copy;
  for (int i = 0; i < options.samples + 2; ++i) {
    double sample = 0;
    cuda::Bandwidth roof;
    if (Status s = time_graph(graph, stream.get(), sample); !s.ok()) return s;
    if (Status s = probe.measure(stream.get(), roof); !s.ok()) return s;
    if (i < 2) continue;  // clocks and pages warm up
    us.push_back(sample / double(copies.size()));
    read.push_back(roof.read_gb_per_s), copy.push_back(roof.copy_gb_per_s);
  }
  if (Status s = compare_copies(copies, op, index, stream.get()); !s.ok()) return s;
  r.median_us = at(us, 0.5), r.p10_us = at(us, 0.1), r.p90_us = at(us, 0.9);
  r.gb_per_s = double(copies.front().bound->work().bytes) / r.median_us * 1e-3;
  r.read_gb_per_s = at(read, 0.5), r.copy_gb_per_s = at(copy, 0.5);
  return {};
}

bool is_named(const OpView& op, int index, int variant, const DeviceBenchOptions& options) {
  const CaseInfo info = op.case_info(index);
  if (!options.case_name.empty()) return info.name == options.case_name;
  if (!info.bench || !options.least) return info.bench;
  const auto bytes = [&](int c) {
    const auto bound = op.bind(c);
    const bool counts = op.case_info(c).bench && bound->takes(variant).empty();
    return counts ? bound->work().bytes : std::numeric_limits<int64_t>::max();
  };
  const int64_t mine = bytes(index);
  for (int c = 0; c < op.num_cases(); ++c)
    if (bytes(c) < mine || (bytes(c) == mine && c < index)) return false;
  return true;
}

// Calls f(case, variant) for all that the options name, the device runs and the variant takes:
// references of cases that it does not take are not waited for.
template <class F>
void each_launch(const OpView& op, const DeviceBenchOptions& options, const F& f) {
  for (int c = 0; c < op.num_cases(); ++c) {
    for (int v = 0; v < op.num_variants(); ++v) {
      const VariantInfo variant = op.variant(v);
      if (!is_cuda(variant.needs) || !options.machine.has(variant.needs)) continue;
      if (!options.variant.empty() && options.variant != variant.name) continue;
      if (op.bind(c)->takes(v).empty() && is_named(op, c, v, options)) f(c, v);
    }
  }
}

Status launch_one(const OpView& op, int index, int variant, DeviceLaunch& l) {
  cuda::Stream stream;
  if (Status s = stream.create(); !s.ok()) return s;
  std::vector<Copy> copies;
  if (Status s = make_copies(op, index, 0, copies, stream.get()); !s.ok()) return s;
  CaseMemory sizes;
  op.bind(index)->buffers(sizes);
  for (const Buffer& b : sizes.buffers()) l.elements = std::max(l.elements, b.count);
  l.work = copies.front().bound->work();
  copies.front().bound->run(variant, {.stream = stream.get()});
  return cuda::synchronize(stream.get());
}

}  // namespace

std::vector<DeviceBenchResult> device_bench(const OpView& op, const DeviceBenchOptions& options) {
  std::vector<DeviceBenchResult> results;
  each_launch(op, options, [&](int c, int v) {
    const CaseInfo info = op.case_info(c);
    const VariantInfo variant = op.variant(v);
    VerifyOptions first{.machine = options.machine, .threads = {}};
    first.variant = variant.name, first.case_name = info.name;
    first.bench_cases = first.device_only = true;
    const VariantReport report = verify(op, first)[size_t(v)];
    DeviceBenchResult& r = results.emplace_back();
    r.op = op.name(), r.variant = variant.name, r.case_name = info.name;
    if (report.failed > 0)
      r.wrong = report.failures.front();
    else if (Status s = time_variant(op, c, v, options, r); !s.ok())
      r.wrong = s.why();
  });
  return results;
}

std::vector<DeviceLaunch> launch_once(const OpView& op, const DeviceBenchOptions& options) {
  std::vector<DeviceLaunch> all;
  each_launch(op, options, [&](int c, int v) {
    const std::string_view name = op.case_info(c).name;
    DeviceLaunch& l = all.emplace_back();
    l.op = op.name(), l.variant = op.variant(v).name, l.case_name = name;
    if (Status s = launch_one(op, c, v, l); !s.ok()) l.wrong = s.why();
  });
  return all;
}

}  // namespace nibble::harness
