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

TimedCase::TimedCase(const OpView& op, int index, const Machine& machine, const Layout& layout)
    : memory_(Placement::packed, layout.pages) {
  copies_.push_back(op.bind(index));
  copies_[0]->buffers(memory_);
  buffers_ = memory_.buffers().size();
  shared_.assign(buffers_, false);
  loaded_ = {-1};
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
    load(set, 0);
    const double start = steady_now_us();
    copies_[0]->reference();
    reference_us = steady_now_us() - start;
    want_[set] = memory_.save();
  }
  if (layout.cold) make_copies(op, index, machine, layout);
  if (!invalid_.empty()) return;
  load_all(0);
  if (const double huge = memory_.huge_share(); huge >= 0)
    pages_ = huge > 0.9 ? "2 MiB" : huge < 0.1 ? "4 KiB" : "mixed";
}

void TimedCase::make_copies(const OpView& op, int index, const Machine& machine,
                            const Layout& layout) {
  const std::vector<Buffer> first = memory_.buffers();
  int64_t inputs = 0, outputs = 0;  // of what each copy has for itself
  for (size_t i = 0; i < buffers_; ++i) {
    const auto bytes = int64_t(first[i].bytes);
    shared_[i] = bytes * 64 < memory_.footprint_bytes();
    if (shared_[i]) continue;
    const bool read = first[i].role == Role::in || first[i].role == Role::inout;
    (read ? inputs : outputs) += bytes;
  }
  const int64_t wanted = std::max<int64_t>(layout.cold_bytes, 4 * machine.l3_bytes);
  const int64_t all = inputs + outputs;
  const int64_t copies = (wanted - 1) / std::max<int64_t>(1, inputs < outputs ? all : inputs) + 1;
  if (machine.memory_bytes && copies * all > machine.memory_bytes / 2) {
    invalid_ = fmt::format("cold copies would fill {} MiB, more than half of the memory",
                           copies * all >> 20);
    return;
  }
  memory_.share(shared_);
  while (int64_t(copies_.size()) < std::max<int64_t>(2, copies)) {
    copies_.push_back(op.bind(index));
    copies_.back()->buffers(memory_);
    loaded_.push_back(-1);
  }
}

void TimedCase::load(int set, size_t copy) {
  for (size_t i = 0; i < buffers_; ++i) {
    Buffer& b = memory_.buffers()[copy * buffers_ + i];
    const bool there = b.role == Role::in && !shared_[i] && loaded_[copy] == set;
    if ((b.role == Role::in && !there) || b.role == Role::inout)
      std::memcpy(b.data, before_[set][i].data(), b.bytes);
  }
  loaded_[copy] = set;
}

void TimedCase::load_all(int set) {
  for (size_t copy = 0; copy < copies_.size(); ++copy) load(set, copy);
}

void TimedCase::call(int variant, Pool* pool) {
  used_ = next();
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
    load(0, next());
    const long before = waits();
    const Fault fault = guarded([&] { call(variant, nullptr); });
    if (fault) return "touched memory that is not its own: " + memory_.describe(fault.address);
    if (waits() == before) return {};
  }
  return "waits instead of working: gave up its core in each of three calls on one thread";
}

std::string TimedCase::green(int variant, Pool* pool) {
  load(1, next());
  const Fault fault = guarded([&] { call(variant, nullptr); });
  if (fault) return "touched memory that is not its own: " + memory_.describe(fault.address);
  for (Pool* p : {static_cast<Pool*>(nullptr), pool}) {
    for (Role role : {Role::out, Role::workspace}) memory_.poison(role, std::byte{0xff});
    if (p == nullptr) {
      if (std::string why = run_alone(variant); !why.empty()) return why;
    } else {
      load(0, next());
      call(variant, p);
    }
    if (std::string why = judge(0); !why.empty()) return why;
  }
  load_all(0);
  return {};
}

std::string TimedCase::still_green(int variant, Pool* pool) {
  load(0, next());
  dirty_.clear();
  for (Role role : {Role::out, Role::workspace}) memory_.poison(role, std::byte{0x5a});
  call(variant, pool);
  std::string why = judge(0);
  if (why.empty() && !want_[1].empty()) {
    load(1, next());
    // The outputs stand as it left them where it was right before; the next copy is made so too.
    for (size_t i = 0; i < buffers_; ++i) {
      Buffer& b = memory_.buffers()[next() * buffers_ + i];
      if (b.role == Role::out) std::memcpy(b.data, want_[0][i].data(), b.bytes);
    }
    call(variant, pool);
    why = judge(1);
  }
  load_all(0);
  return why.empty() ? why : "wrong after timing, right before: " + why;
}

}  // namespace nibble::harness
