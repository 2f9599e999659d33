#include "nibble/harness/verify.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/memory.h"

namespace nibble::harness {
namespace {

using Contents = std::vector<std::vector<std::byte>>;

// One case in memory, with the answer of the reference.
struct Prepared {
  std::unique_ptr<BoundCase> bound;
  CaseMemory memory;
  Contents before, want;
  std::string invalid;  // the case itself is wrong

  Prepared(const OpView& op, int index) : bound(op.bind(index)) {
    bound->buffers(memory);
    bound->fill();
    if (Status s = bound->check(); !s.ok()) {
      invalid = "the case breaks its own contract: " + s.why();
      return;
    }
    before = memory.save();
    bound->reference();
    if (const std::string g = memory.broken_guard(); !g.empty())
      invalid = "the reference wrote outside buffer " + g;
    want = memory.save();
  }

  void reset() {
    memory.restore(before, Role::in);
    memory.restore(before, Role::inout);
    memory.poison(Role::out);
    memory.poison(Role::workspace);
  }
};

// What is wrong with the outputs in memory, or empty; fills the report's error figures.
std::string judge(Prepared& p, VariantReport& report) {
  if (const std::string g = p.memory.broken_guard(); !g.empty()) return "wrote outside buffer " + g;
  const auto& buffers = p.memory.buffers();
  for (size_t i = 0; i < buffers.size(); ++i) {
    const Buffer& b = buffers[i];
    if (b.role == Role::in && std::memcmp(b.data, p.before[i].data(), b.bytes) != 0)
      return "changed its input " + b.name;
    if (b.role != Role::out && b.role != Role::inout) continue;
    const Difference d = compare(b.type, b.data, p.want[i].data(), b.count, p.bound->tolerance());
    if (!(d.worst <= report.worst)) report.worst = d.worst;
    if (!(d.rel_l2 <= report.worst_rel_l2)) report.worst_rel_l2 = d.rel_l2;
    if (d.wrong)
      return fmt::format("{} of {} elements of {} are wrong, the first at {}: got {}, want {}",
                         d.wrong, b.count, b.name, d.first, d.got, d.want);
  }
  return {};
}

Contents outputs(const CaseMemory& memory, const std::vector<Buffer>& buffers) {
  Contents all = memory.save();
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].role == Role::in || buffers[i].role == Role::workspace) all[i].clear();
  return all;
}

}  // namespace

std::vector<VariantReport> verify(const OpView& op, const VerifyOptions& options) {
  std::vector<VariantReport> reports;
  for (int v = 0; v < op.num_variants(); ++v) {
    VariantReport& r = reports.emplace_back();
    r.op = op.name(), r.variant = op.variant(v).name, r.needs = op.variant(v).needs;
    if (!options.variant.empty() && r.variant != options.variant)
      r.not_run = "not asked for";
    else if (!options.machine.has(r.needs))
      r.not_run = "this machine lacks " + to_string(r.needs - options.machine.isas);
  }
  std::vector<std::unique_ptr<Pool>> pools;
  for (int t : options.threads) pools.push_back(cpu::make_pool(t));

  for (int c = 0; c < op.num_cases(); ++c) {
    const CaseInfo info = op.case_info(c);
    if (!options.case_name.empty() ? info.name != options.case_name
                                   : info.bench && !options.bench_cases)
      continue;
    Prepared p(op, c);
    Contents agreed;  // outputs of the first green run, for ops that declare bit_exact
    for (int v = 0; v < op.num_variants(); ++v) {
      VariantReport& r = reports[v];
      if (!r.not_run.empty()) continue;
      std::string why = p.invalid;
      if (why.empty() && !p.bound->takes(v).empty()) continue;
      ++r.cases;
      Contents first;
      for (size_t i = 0; why.empty() && i < 2 * pools.size(); ++i) {  // each pool twice: repeats
        Pool* pool = pools[i / 2].get();
        p.reset();
        p.bound->run(v, {.pool = pool});
        why = judge(p, r);
        if (!why.empty()) {
          why += fmt::format(" (run {}, {} threads)", i % 2 + 1, pool->threads());
          break;
        }
        Contents now = outputs(p.memory, p.memory.buffers());
        if (first.empty())
          first = std::move(now);
        else if (now != first)
          why = fmt::format("not reproducible: run {} with {} threads gave other bits", i % 2 + 1,
                            pool->threads());
      }
      if (why.empty() && op.bit_exact()) {
        if (agreed.empty())
          agreed = std::move(first);
        else if (agreed != first)
          why = "other bits than an earlier variant of a bit-exact op";
      }
      if (why.empty()) continue;
      ++r.failed;
      r.failures.push_back(
          fmt::format("{}/{} case {}: {}; reproduce: nibble verify {} --variant {} --case {}", r.op,
                      r.variant, info.name, why, r.op, r.variant, info.name));
    }
  }
  for (VariantReport& r : reports)
    if (r.cases == 0 && r.not_run.empty()) r.not_run = "takes none of the cases";
  return reports;
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
  const auto reports = verify(*op, {.machine = cpu::this_machine()});
  for (const VariantReport& r : reports) {
    if (r.cases == 0)
      fmt::print("not run  {}/{}: {}\n", r.op, r.variant, r.not_run);
    else
      fmt::print("{}  {}/{}: {} cases, {} failed, worst {:.3g}\n", r.failed ? "FAILED " : "green  ",
                 r.op, r.variant, r.cases, r.failed, r.worst);
    for (const std::string& f : r.failures) fmt::print("  {}\n", f);
  }
  if (!rest_ok) fmt::print("FAILED   the op's own checks\n");
  return exit_code(reports, rest_ok);
}

}  // namespace nibble::harness
