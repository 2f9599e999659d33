#include "nibble/harness/verify.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "nibble/cpu/pool.h"
#include "nibble/harness/fault.h"
#include "nibble/harness/judge.h"
#include "nibble/harness/machine.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/serial_pool.h"
#include "nibble/harness/verify_device.h"

namespace nibble::harness {
namespace {

constexpr Placement kPlacements[] = {Placement::flush_end, Placement::flush_begin,
                                     Placement::shifted};
constexpr int kFailuresTold = 5;
constexpr int kSets =
    2;  // of inputs, at the same addresses: an answer kept from the first is wrong
// No two runs in a row find the same. 0xff is a NaN in every float format, and -1.
constexpr std::byte kPoisons[] = {std::byte{0xff}, std::byte{0xa5}, std::byte{0x5a}};

struct Run {
  int placement, set, poison;
  Pool* pool;
  bool one_thread;  // whatever the pool says: faults can be caught
};

// One case in memory, three times over, with the answers of the reference.
struct Prepared {
  struct Copy {
    std::unique_ptr<BoundCase> bound;
    CaseMemory memory;
    Copy(const OpView& op, int index, Placement p) : bound(op.bind(index)), memory(p) {
      bound->buffers(memory);
    }
  };
  std::vector<std::unique_ptr<Copy>> copies;
  Contents before[kSets], want[kSets];
  std::string invalid;  // the case itself is wrong

  Prepared(const OpView& op, int index) {
    for (Placement p : kPlacements) copies.push_back(std::make_unique<Copy>(op, index, p));
    for (const auto& copy : copies)
      if (Status s = copy->bound->check(); !s.ok()) {
        invalid = "the case breaks its own contract: " + s.why() +
                  " (is an alignment missing in buffers()?)";
        return;
      }
    Copy& first = *copies.front();
    for (int set = 0; set < kSets && invalid.empty(); ++set) {
      for (Role role : {Role::in, Role::inout}) first.memory.poison(role, std::byte{0xc7});
      first.bound->fill(uint64_t(set));
      before[set] = first.memory.save();
      first.memory.poison(Role::out,
                          std::byte{0xc7});  // none of kPoisons: what it leaves unwritten
      first.memory.poison(Role::workspace, std::byte{0xc7});  // differs from every run
      const Fault fault = guarded([&] { first.bound->reference(); });
      if (fault)
        invalid = "the reference touched " + first.memory.describe(fault.address);
      else if (const std::string g = first.memory.broken_guard(); !g.empty())
        invalid = "the reference wrote outside buffer " + g;
      want[set] = first.memory.save();
    }
  }

  // For each set of inputs.
  std::array<Tolerance, kSets> tolerances() {
    std::array<Tolerance, kSets> all;
    for (int set = 0; set < kSets; ++set) {
      for (Role role : {Role::in, Role::inout}) copies.front()->memory.restore(before[set], role);
      all[size_t(set)] = copies.front()->bound->tolerance();
    }
    return all;
  }

  void reset(const Run& run) {
    CaseMemory& m = copies[size_t(run.placement)]->memory;
    m.restore(before[run.set], Role::in);
    m.restore(before[run.set], Role::inout);
    m.poison(Role::out, kPoisons[run.poison]);
    m.poison(Role::workspace, kPoisons[run.poison]);
  }
};

std::string describe(const Fault& fault, const CaseMemory& memory) {
  const std::string where = memory.describe(fault.address);
  if (fault.signal == SIGILL) return "executed an instruction that this machine lacks";
  if (fault.signal == SIGFPE) return "divided an integer by zero";
  // A misaligned vector load or store faults without an address.
  if (where.empty())
    return fmt::format(
        "faulted at address {}, which is no buffer's: a wild pointer, or a load that wants more "
        "alignment than buffers() asks for",
        fault.address);
  if (where.starts_with("input")) return "wrote " + where;
  return fmt::format("{} outside its buffers: {}", fault.write ? "wrote" : "read", where);
}

// Runs the variant once and says what was wrong, or nothing; fills the report's error figures.
std::string run_and_judge(Prepared& p, int variant, const Run& run, VariantReport& report) {
  Prepared::Copy& copy = *p.copies[size_t(run.placement)];
  p.reset(run);
  const Exec exec{.pool = run.pool};
  if (run.one_thread) {
    copy.memory.protect_inputs(true);
    const Fault fault = guarded([&] { copy.bound->run(variant, exec); });
    copy.memory.protect_inputs(false);
    if (fault) return describe(fault, copy.memory);
  } else {
    copy.bound->run(variant, exec);
  }
  if (const std::string g = copy.memory.broken_guard(); !g.empty())
    return "wrote outside buffer " + g;
  const auto& buffers = copy.memory.buffers();
  const Contents& want = p.want[run.set];
  for (size_t i = 0; i < buffers.size(); ++i) {
    const std::string why = judge(buffers[i], buffers[i].data, p.before[run.set][i], want[i],
                                  copy.bound->tolerance(), report);
    if (!why.empty()) return why;
  }
  return {};
}

Contents outputs(const CaseMemory& memory) {
  Contents all = memory.save();
  for (size_t i = 0; i < all.size(); ++i)
    if (const Role role = memory.buffers()[i].role; role == Role::in || role == Role::workspace)
      all[i].clear();
  return all;
}

std::vector<Run> plan(std::span<const std::unique_ptr<Pool>> pools, Pool& two, Pool& seven) {
  std::vector<Run> runs = {{0, 0, 0, nullptr, true}, {1, 0, 1, &two, true},
                           {1, 1, 2, nullptr, true}, {0, 1, 0, &seven, true},
                           {2, 0, 1, nullptr, true}, {2, 1, 2, &two, true}};
  for (size_t i = 0; i < 2 * pools.size(); ++i)  // each pool twice: repeats
    runs.push_back({0, int(i % 2), int(i % 3), pools[i / 2].get(), false});
  return runs;
}

std::string describe(const Run& run) {
  constexpr std::string_view places[] = {"flush with an end", "flush with a beginning",
                                         "misaligned"};
  return fmt::format("buffers {}, inputs {}, {} {}", places[run.placement], run.set + 1,
                     run.pool ? run.pool->threads() : 1,
                     run.one_thread ? "workers played by one thread" : "threads");
}

// All runs of a variant on a case: what was wrong with the first bad one, or nothing. `bits` are
// the outputs for each set of inputs.
std::string verify_case(Prepared& p, int variant, std::span<const Run> runs, VariantReport& report,
                        Contents (&bits)[kSets]) {
  for (const Run& run : runs) {
    std::string why = run_and_judge(p, variant, run, report);
    if (why.empty()) {
      Contents now = outputs(p.copies[size_t(run.placement)]->memory);
      if (bits[run.set].empty())
        bits[run.set] = std::move(now);
      else if (now != bits[run.set])
        why = "not reproducible: gave other bits than before";
    }
    if (!why.empty()) return why + " (" + describe(run) + ")";
  }
  return {};
}

}  // namespace

std::string judge(const Buffer& b, const std::byte* got, const std::vector<std::byte>& before,
                  const std::vector<std::byte>& want, Tolerance tolerance, VariantReport& report) {
  if (b.role == Role::in && std::memcmp(got, before.data(), b.bytes) != 0)
    return "changed its input " + b.name;
  if (b.role != Role::out && b.role != Role::inout) return {};
  const Difference d = compare(b.type, got, want.data(), b.count, tolerance);
  if (!(d.worst <= report.worst)) report.worst = d.worst;
  if (!(d.rel_l2 <= report.worst_rel_l2)) report.worst_rel_l2 = d.rel_l2;
  if (d.wrong)
    return fmt::format("{} of {} elements of {} are wrong, the first at {}: got {}, want {}",
                       d.wrong, b.count, b.name, d.first, d.got, d.want);
  return {};
}

bool names_variant(std::string_view names, std::string_view variant) {
  if (names.empty()) return true;
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    if (names.substr(0, comma) == variant) return true;
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return false;
}

std::vector<VariantReport> verify(const OpView& op, const VerifyOptions& options) {
  std::vector<VariantReport> reports;
  for (int v = 0; v < op.num_variants(); ++v) {
    VariantReport& r = reports.emplace_back();
    r.op = op.name(), r.variant = op.variant(v).name, r.needs = op.variant(v).needs;
    if (!names_variant(options.variant, r.variant))
      r.not_run = "not asked for";
    else if (!options.machine.has(r.needs))
      r.not_run = "this machine lacks " + to_string(r.needs - options.machine.isas);
    else if (options.device_only && !is_cuda(r.needs))
      r.not_run = "only variants for the GPU were asked for";
  }
  std::vector<std::unique_ptr<Pool>> pools;
  for (int t : options.threads) pools.push_back(cpu::make_pool(t));
  SerialPool two(2), seven(7);
  std::vector<Run> runs = plan(pools, two, seven);
  if (options.emulated)
    for (Run& run : runs)
      if (run.placement == 0) run.placement = 1;

  for (int c = 0; c < op.num_cases(); ++c) {
    const CaseInfo info = op.case_info(c);
    if (!options.case_name.empty() ? info.name != options.case_name
                                   : info.bench && !options.bench_cases)
      continue;
    Prepared p(op, c);
    Contents agreed[kSets];  // outputs of the first green variant, for ops that declare bit_exact
    for (int v = 0; v < op.num_variants(); ++v) {
      VariantReport& r = reports[size_t(v)];
      if (!r.not_run.empty()) continue;
      std::string why = p.invalid;
      if (why.empty() && !p.copies.front()->bound->takes(v).empty()) continue;
      ++r.cases;
      Contents bits[kSets];
      if (why.empty() && is_cuda(r.needs))
        why = verify_on_device(
            op, c, v, {p.copies.front()->memory.buffers(), p.before, p.want, p.tolerances().data()},
            r, bits);
      else if (why.empty())
        why = verify_case(p, v, runs, r, bits);
      if (why.empty() && op.bit_exact()) {
        if (agreed[0].empty())
          std::move(bits, bits + kSets, agreed);
        else if (!std::equal(agreed, agreed + kSets, bits))
          why = "other bits than an earlier variant of a bit-exact op";
      }
      if (why.empty()) continue;
      if (++r.failed > kFailuresTold) continue;
      r.failures.push_back(
          fmt::format("{}/{} case {}: {}; reproduce: nibble verify {} --variant {} --case {}", r.op,
                      r.variant, info.name, why, r.op, r.variant, info.name));
    }
  }
  for (VariantReport& r : reports)
    if (r.cases == 0 && r.not_run.empty()) r.not_run = "takes none of the cases";
  return reports;
}

std::string missing_cases(const OpView& op) {
  int cases = 0;
  for (int c = 0; c < op.num_cases(); ++c) cases += !op.case_info(c).bench;
  if (cases == 0) return fmt::format("{} has no case that verify runs", op.name());
  if (op.num_fills() == 1)
    return fmt::format(
        "{} has no adversarial case: all fill their inputs in one way; add one with the extremes, "
        "ties or zeros that a variant is likeliest to get wrong",
        op.name());
  return {};
}

int exit_code(const std::vector<VariantReport>& reports, bool rest_ok) {
  int ran = 0, failed = 0;
  for (const VariantReport& r : reports) ran += r.cases > 0, failed += r.failed > 0;
  if (failed || !rest_ok) return 1;
  return ran ? 0 : 77;
}

int verify_main(std::string_view op_name, bool rest_ok) {
  const OpView* op = find_op(op_name);
  if (!op) return fmt::print(stderr, "no op named {}\n", op_name), 1;
  const auto reports = verify(*op, {.machine = machine_with_device()});
  for (const VariantReport& r : reports) {
    if (r.cases == 0)
      fmt::print("not run  {}/{}: {}\n", r.op, r.variant, r.not_run);
    else
      fmt::print("{}  {}/{}: {} cases, {} failed, worst {:.3g}\n", r.failed ? "FAILED " : "green  ",
                 r.op, r.variant, r.cases, r.failed, r.worst);
    for (const std::string& f : r.failures) fmt::print("  {}\n", f);
  }
  if (!rest_ok) fmt::print("FAILED   the op's own checks\n");
  const std::string missing = missing_cases(*op);
  if (!missing.empty()) fmt::print("FAILED   {}\n", missing);
  return exit_code(reports, rest_ok && missing.empty());
}

}  // namespace nibble::harness
