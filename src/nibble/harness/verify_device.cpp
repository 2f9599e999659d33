#include "nibble/harness/verify_device.h"

#include <fmt/format.h>

#include "nibble/cuda/stream.h"
#include "nibble/harness/device_memory.h"

namespace nibble::harness {
namespace {

struct Run {
  bool shifted;
  int set;
  std::byte poison;
  bool captured;
};
constexpr Run kRuns[] = {{false, 0, std::byte{0xff}, false},
                         {true, 1, std::byte{0xa5}, false},
                         {false, 1, std::byte{0x5a}, true},
                         {true, 0, std::byte{0xa5}, false}};

struct Copy {
  std::unique_ptr<BoundCase> bound;
  DeviceMemory memory;
  Copy(const OpView& op, int index, bool shifted) : bound(op.bind(index)), memory(shifted) {
    bound->buffers(memory);
  }
};

Status launch(const BoundCase& bound, int variant, bool captured, void* stream) {
  const Exec exec{.stream = stream};
  if (!captured) return bound.run(variant, exec), cuda::synchronize(stream);
  cuda::Graph graph;
  if (Status s = graph.begin(stream); !s.ok()) return s;
  bound.run(variant, exec);
  if (Status s = graph.end(stream); !s.ok()) return s;
  if (Status s = graph.launch(stream); !s.ok()) return s;
  return cuda::synchronize(stream);
}

// One run: what is wrong, or nothing, and the buffers after it.
std::string run_and_judge(Copy& copy, const Run& run, int variant, const Answers& answers,
                          VariantReport& report, void* stream, Contents& after) {
  DeviceMemory& memory = copy.memory;
  const Contents& before = answers.before[run.set];
  memory.upload(before, Role::in, stream), memory.upload(before, Role::inout, stream);
  memory.poison(Role::out, run.poison, stream), memory.poison(Role::workspace, run.poison, stream);
  if (!memory.status().ok()) return memory.status().why();
  if (Status s = launch(*copy.bound, variant, run.captured, stream); !s.ok()) return s.why();
  if (Status s = memory.download(after, stream); !s.ok()) return s.why();
  if (const std::string g = memory.broken_guard(stream); !g.empty())
    return "wrote before buffer " + g;
  for (size_t i = 0; i < answers.buffers.size(); ++i) {
    const std::string why = judge(answers.buffers[i], after[i].data(), before[i],
                                  answers.want[run.set][i], answers.tolerance[run.set], report);
    if (!why.empty()) return why;
    if (answers.buffers[i].role == Role::in || answers.buffers[i].role == Role::workspace)
      after[i].clear();
  }
  return {};
}

}  // namespace

std::string verify_on_device(const OpView& op, int case_index, int variant, const Answers& answers,
                             VariantReport& report, Contents* bits) {
  cuda::Stream stream;
  if (Status s = stream.create(); !s.ok()) return s.why();
  Copy exact(op, case_index, false), shifted(op, case_index, true);
  for (const Run& run : kRuns) {
    Contents after;
    std::string why = run_and_judge(run.shifted ? shifted : exact, run, variant, answers, report,
                                    stream.get(), after);
    if (why.empty()) {
      if (bits[run.set].empty())
        bits[run.set] = std::move(after);
      else if (after != bits[run.set])
        why = "not reproducible: gave other bits than before";
    }
    if (!why.empty())
      return fmt::format("{} (on the device, buffers {}, inputs {}{})", why,
                         run.shifted ? "misaligned" : "flush with an end", run.set + 1,
                         run.captured ? ", as a graph" : "");
  }
  return {};
}

}  // namespace nibble::harness
