#include "nibble/harness/timed_case.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>

#include "nibble/harness/fault.h"

namespace nibble::harness {
namespace {

// A second answer of the reference is asked for only if the first took less than this.
constexpr double kSlowReferenceUs = 1e6;

// Times that the calling thread gave up its core of its own will; preemption does not count.
long waits() {
  rusage r{};
#ifdef RUSAGE_THREAD
  getrusage(RUSAGE_THREAD, &r);
#endif
  return r.ru_nvcsw;
}

}  // namespace

TimedCase::TimedCase(const OpView& op, int index, const Machine& machine, bool cold) {
  copies_.push_back(op.bind(index));
  copies_[0]->buffers(memory_);
  buffers_ = memory_.buffers().size();
  double reference_us = 0;
  for (int set : {1, 0}) {  // 0 last: it stays loaded
    for (Role role : {Role::in, Role::inout}) memory_.poison(role, std::byte{0xc7});
    copies_[0]->fill(uint64_t(set));
    if (Status s = copies_[0]->check(); !s.ok()) {
      invalid_ = "the case breaks its own contract: " + s.why();
      return;
    }
    before_[set] = memory_.save();
  }
  for (int set : {0, 1}) {
    if (reference_us > kSlowReferenceUs) break;
    load(set);
    const double start = steady_now_us();
    copies_[0]->reference();
    reference_us = steady_now_us() - start;
    want_[set] = memory_.save();
  }
  if (cold) {
    const int64_t one = std::max<int64_t>(1, memory_.footprint_bytes());
    const int64_t wanted = machine.l3_bytes ? 4 * machine.l3_bytes : 128 << 20;
    if (machine.memory_bytes && wanted + one > machine.memory_bytes / 2) {
      invalid_ = fmt::format("cold copies would fill {} MiB, more than half of the memory",
                             (wanted + one) >> 20);
      return;
    }
    for (int64_t n = wanted / one; n > 0; --n) {
      copies_.push_back(op.bind(index));
      copies_.back()->buffers(memory_);
    }
  }
  load(0);
}

void TimedCase::load(int set) {
  memory_.restore(before_[set], Role::in);
  memory_.restore(before_[set], Role::inout);
}

void TimedCase::call(int variant, Pool* pool) {
  used_ = used_ + 1 < copies_.size() ? used_ + 1 : 0;
  copies_[used_]->run(variant, {.pool = pool});
}

Arm TimedCase::arm(int variant, Pool* pool) {
  const auto& buffers = memory_.buffers();
  const bool updates =
      std::any_of(buffers.begin(), buffers.end(), [](auto& b) { return b.role == Role::inout; });
  Arm arm{.call = [this, variant, pool] { call(variant, pool); }};
  if (updates) {
    arm.call = [this, variant, pool] {
      call(variant, pool);
      if (dirty_.size() < copies_.size()) dirty_.push_back(used_);
    };
    arm.prepare = [this] {
      // Only what was just used: its lines are in the cache already.
      for (size_t copy : dirty_)
        for (size_t i = 0; i < buffers_; ++i) {
          Buffer& b = memory_.buffers()[copy * buffers_ + i];
          if (b.role == Role::inout) std::memcpy(b.data, before_[0][i].data(), b.bytes);
        }
      dirty_.clear();
    };
  }
  return arm;
}

std::string TimedCase::judge(int set) {
  if (const std::string g = memory_.broken_guard(); !g.empty()) return "wrote outside buffer " + g;
  for (size_t i = 0; i < buffers_; ++i) {
    const Buffer& b = memory_.buffers()[used_ * buffers_ + i];
    if (b.role == Role::in && std::memcmp(b.data, before_[set][i].data(), b.bytes) != 0)
      return "changed its input " + b.name;
    if (b.role != Role::out && b.role != Role::inout) continue;
    const Difference d =
        compare(b.type, b.data, want_[set][i].data(), b.count, copies_[used_]->tolerance());
    rel_l2_ = d.rel_l2;
    if (d.wrong)
      return fmt::format("{} of {} elements of {} are wrong, the first at {}: got {}, want {}",
                         d.wrong, b.count, b.name, d.first, d.got, d.want);
  }
  return {};
}

std::string TimedCase::run_alone(int variant) {
  // Three times at most: a page fault that waits for a lock is no sleep.
  for (int attempt = 0; attempt < 3; ++attempt) {
    load(0);
    const long before = waits();
    const Fault fault = guarded([&] { call(variant, nullptr); });
    if (fault) return "touched memory that is not its own: " + memory_.describe(fault.address);
    if (waits() == before) return {};
  }
  return "waits instead of working: gave up its core in each of three calls on one thread";
}

std::string TimedCase::green(int variant, Pool* pool) {
  load(1);
  const Fault fault = guarded([&] { call(variant, nullptr); });
  if (fault) return "touched memory that is not its own: " + memory_.describe(fault.address);
  for (Pool* p : {static_cast<Pool*>(nullptr), pool}) {
    for (Role role : {Role::out, Role::workspace}) memory_.poison(role, std::byte{0xff});
    if (p == nullptr) {
      if (std::string why = run_alone(variant); !why.empty()) return why;
    } else {
      load(0);
      call(variant, p);
    }
    if (std::string why = judge(0); !why.empty()) return why;
  }
  load(0);
  return {};
}

std::string TimedCase::still_green(int variant, Pool* pool) {
  load(0);
  dirty_.clear();
  for (Role role : {Role::out, Role::workspace}) memory_.poison(role, std::byte{0x5a});
  call(variant, pool);
  std::string why = judge(0);
  if (why.empty() && !want_[1].empty()) {
    load(1);
    const Contents& answered = want_[0];
    // Where it was right before, the outputs stand as it left them; the next copy is made so too.
    for (size_t copy = 0; copy < copies_.size(); ++copy)
      for (size_t i = 0; i < buffers_; ++i) {
        Buffer& b = memory_.buffers()[copy * buffers_ + i];
        if (b.role == Role::out) std::memcpy(b.data, answered[i].data(), b.bytes);
      }
    call(variant, pool);
    why = judge(1);
  }
  load(0);
  return why.empty() ? why : "wrong after timing, right before: " + why;
}

}  // namespace nibble::harness
