// Lanes, warps and blocks: collectives, branches, calls, barriers, and what is refused or faults.
#include <gtest/gtest.h>

#include "kernel.h"

namespace ptxrun {
namespace {

std::vector<uint32_t> lanes(size_t n) {
  std::vector<uint32_t> v(n);
  for (size_t i = 0; i < n; ++i) v[i] = uint32_t(i * 2654435761u);
  return v;
}

TEST(Warp, Shuffles) {
  const auto a = lanes(128);
  const auto up = apply<uint32_t>("shfl.sync.up.b32 %d|p1, %a, 3, 0, -1; @!p1 mov.u32 %d, 1;", a);
  const auto down = apply<uint32_t>("shfl.sync.down.b32 %d, %a, 5, 31, -1;", a);
  const auto cross = apply<uint32_t>("shfl.sync.bfly.b32 %d, %a, 9, 31, -1;", a);
  const auto eight = apply<uint32_t>("shfl.sync.idx.b32 %d, %a, 2, 0x1807, -1;", a);
  for (uint32_t i = 0; i < 128; ++i) {
    const uint32_t base = i & ~31u, l = i & 31;
    EXPECT_EQ(up[i], l < 3 ? 1u : a[i - 3]);
    EXPECT_EQ(down[i], a[l + 5 < 32 ? i + 5 : i]);
    EXPECT_EQ(cross[i], a[base | (l ^ 9)]);
    EXPECT_EQ(eight[i], a[(i & ~7u) + 2]);
  }
}
TEST(Warp, VotesMatchesReductions) {
  const auto a = lanes(96);
  const auto ballot = apply<uint32_t>(
      "and.b32 %x, %a, 1; setp.eq.u32 p1, %x, 1; vote.sync.ballot.b32 %d, p1, -1;", a);
  const auto any = apply<uint32_t>(
      "setp.eq.u32 p1, %t, 37; vote.sync.any.pred p2, p1, -1; selp.u32 %d, 1, 0, p2;", a);
  const auto match = apply<uint32_t>("and.b32 %x, %a, 3; match.any.sync.b32 %d, %x, -1;", a);
  const auto sum = apply<uint32_t>("redux.sync.add.u32 %d, %a, -1;", a);
  const auto least = apply<uint32_t>("redux.sync.min.s32 %d, %a, -1;", a);
  const auto leader = apply<uint32_t>("elect.sync %d|p1, -1; selp.u32 %d, 100, %d, p1;", a);
  for (uint32_t i = 0; i < 96; ++i) {
    const uint32_t base = i & ~31u;
    uint32_t odd = 0, same = 0, total = 0;
    int32_t low = INT32_MAX;
    for (uint32_t k = 0; k < 32; ++k) {
      odd |= (a[base + k] & 1) << k, same |= uint32_t((a[base + k] & 3) == (a[i] & 3)) << k;
      total += a[base + k], low = std::min(low, int32_t(a[base + k]));
    }
    EXPECT_EQ(ballot[i], odd);
    EXPECT_EQ(any[i], uint32_t(base == 32));
    EXPECT_EQ(match[i], same);
    EXPECT_EQ(sum[i], total);
    EXPECT_EQ(int32_t(least[i]), low);
    EXPECT_EQ(leader[i], i % 32 ? 0u : 100u);
  }
}
// Each half of a warp shuffles within its own mask, and a warp barrier joins two places.
TEST(Warp, PartialMasksAndPlaces) {
  const auto a = lanes(32);
  const auto d = apply<uint32_t>(
      "setp.lt.u32 p1, %t, 16;\nselp.b32 %x, 0xffff, 0xffff0000, p1;\nshfl.sync.bfly.b32 %d, %a, "
      "1, 31, %x;\n"
      "@p1 bra ELSE;\nbar.warp.sync -1;\nadd.u32 %d, %d, 1;\nbra DONE;\nELSE: bar.warp.sync "
      "-1;\nDONE:",
      a);
  for (uint32_t i = 0; i < 32; ++i) EXPECT_EQ(d[i], a[i ^ 1] + (i < 16 ? 0 : 1));
}

TEST(Control, LoopsThatDiverge) {
  const auto a = lanes(200);
  const auto d = apply<uint32_t>(
      "and.b32 %x, %a, 63;\nmov.u32 %d, 0;\nLOOP: setp.eq.u32 p1, %x, 0;\n@p1 bra OUT;\nadd.u32 "
      "%d, %d, %x;\n"
      "sub.u32 %x, %x, 1;\nbra LOOP;\nOUT:",
      a);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(d[i], (a[i] & 63) * ((a[i] & 63) + 1) / 2);
}
TEST(Control, CallsInDivergedCode) {
  const std::string text =
      ".version 9.0\n.target sm_90a\n.address_size 64\n"
      ".func (.param .b32 r) twice(.param .b32 x)\n{\n.reg .b32 %v;\nld.param.b32 %v, "
      "[x];\nadd.u32 %v, %v, %v;\n"
      "st.param.b32 [r], %v;\nret;\n}\n"
      ".visible .entry k(.param .u64 out)\n{\n.reg .b32 %t, %v;\n.reg .b64 %q;\n.reg .pred "
      "%p;\nmov.u32 %t, %tid.x;\n"
      "mov.u32 %v, %t;\nsetp.lt.u32 %p, %t, 10;\n@%p bra SKIP;\n{\n.param .b32 a;\nst.param.b32 "
      "[a], %t;\n"
      ".param .b32 b;\ncall.uni (b), twice, (a);\nld.param.b32 %v, [b];\n}\nSKIP:\nld.param.u64 "
      "%q, [out];\n"
      "mad.wide.u32 %q, %t, 4, %q;\nst.global.b32 [%q], %v;\nret;\n}\n";
  Gpu gpu;
  const uint64_t out = gpu.put(std::vector<uint32_t>(64));
  ASSERT_TRUE(gpu.run(text, {out}, {1}, {64}));
  const auto v = gpu.get<uint32_t>(out, 64);
  for (uint32_t i = 0; i < 64; ++i) EXPECT_EQ(v[i], i < 10 ? i : 2 * i);
}
// bar.red over the block, with threads that left early.
TEST(Control, BlockBarriers) {
  const std::string text =
      module_of(".param .u64 out",
                ".reg .b32 %t, %v;\n.reg .b64 %q;\n.reg .pred %p, %o;\nmov.u32 %t, "
                "%tid.x;\nsetp.ge.u32 %p, %t, 96;\n@%p exit;\n"
                "and.b32 %v, %t, 1;\nsetp.eq.u32 %o, %v, 1;\nbar.red.popc.u32 %v, 0, "
                "%o;\nld.param.u64 %q, [out];\n"
                "mad.wide.u32 %q, %t, 4, %q;\nst.global.b32 [%q], %v;\nret;");
  for (Schedule s : {Schedule::eager, Schedule::lazy, Schedule::random}) {
    Gpu gpu;
    gpu.options.schedule = s, gpu.options.slice = 1;
    const uint64_t out = gpu.put(std::vector<uint32_t>(128, 7));
    ASSERT_TRUE(gpu.run(text, {out}, {1}, {128}));
    const auto v = gpu.get<uint32_t>(out, 128);
    for (uint32_t i = 0; i < 128; ++i) EXPECT_EQ(v[i], i < 96 ? 48u : 7u);
  }
}

// ---- faults, each by name ----

const std::string kPrologue =
    ".reg .b32 %t, %v, %w;\n.reg .b64 %q;\n.reg .pred %p;\n.shared .align 16 .b8 s[256];\nmov.u32 "
    "%t, %tid.x;\n"
    "ld.param.u64 %q, [out];\n";
std::string fault_of(const std::string& body, FaultKind kind) {
  Gpu gpu;
  gpu.options.watchdog = 100000;
  const uint64_t out = gpu.put(std::vector<uint32_t>(64));
  EXPECT_FALSE(
      gpu.run(module_of(".param .u64 out", kPrologue + body + "\nret;"), {out}, {1}, {64}));
  EXPECT_EQ(gpu.report.findings().size(), 1u);
  if (gpu.report.findings().empty()) return {};
  EXPECT_EQ(gpu.report.findings()[0].kind, kind) << gpu.report.findings()[0].what;
  return to_text(gpu.report.findings()[0]);
}
void expect_text(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), text.npos) << text;
}

TEST(Fault, Global) {
  const std::string text =
      fault_of("mad.wide.u32 %q, %t, 8, %q;\nst.global.u32 [%q], %t;", FaultKind::out_of_bounds);
  expect_text(text, "write of 4 bytes");
  expect_text(text, "0 bytes past the end of allocation 1 (256 bytes, cudaMalloc)");
  expect_text(text, "thread (32,0,0)");
  expect_text(text, "st.global.u32 [%q], %t");
  expect_text(fault_of("mov.u64 %q, 16;\nld.u32 %v, [%q];", FaultKind::out_of_bounds),
              "a null pointer");
  expect_text(fault_of("ld.global.u32 %v, [%q+2];", FaultKind::misaligned), "not a multiple of 4");
}
TEST(Fault, Shared) {
  expect_text(fault_of("mul.lo.u32 %v, %t, 4;\nmov.u32 %w, s;\nadd.u32 %v, %v, "
                       "%w;\nst.shared.v2.u32 [%v+8], {%t, %t};",
                       FaultKind::misaligned),
              "write of 8 bytes at shared address");
  expect_text(
      fault_of(
          "mul.lo.u32 %v, %t, 4;\nmov.u32 %w, s;\nadd.u32 %v, %v, %w;\nst.shared.u32 [%v+8], %t;",
          FaultKind::out_of_bounds),
      "the block has 256 bytes");
}
TEST(Fault, DivergenceAtABarrier) {
  const std::string text = fault_of(
      "setp.lt.u32 %p, %t, 20;\n@%p bra SKIP;\nbar.sync 0;\nret;\nSKIP: shfl.sync.idx.b32 %v, %t, "
      "0, 31, -1;",
      FaultKind::divergence);
  expect_text(text, "lanes 0-19 wait at shfl.sync");
  expect_text(text, "lanes 20-31 wait at bar.sync");
}
TEST(Fault, Deadlock) {
  const std::string text =
      fault_of("setp.lt.u32 %p, %t, 32;\n@%p bra LOW;\nbar.sync 1, 64;\nret;\nLOW: bar.sync 2, 64;",
               FaultKind::deadlock);
  expect_text(text, "warp 0 lanes 0-31 wait at bar.sync 2, 64");
  expect_text(text, "warp 1 lanes 0-31 wait at bar.sync 1, 64");
  expect_text(
      fault_of("SPIN: ld.volatile.global.u32 %v, [%q];\nsetp.eq.u32 %p, %v, 0;\n@%p bra SPIN;",
               FaultKind::deadlock),
      "no progress");
}
TEST(Fault, Misuse) {
  expect_text(fault_of("bar.sync 16;", FaultKind::misuse), "allowed are 0 to 15");
  expect_text(fault_of("bar.sync 1, 40;", FaultKind::misuse), "positive multiple of 32");
  expect_text(fault_of("shfl.sync.idx.b32 %v, %t, 0, 31, 0xffff;", FaultKind::misuse),
              "without being in their member mask");
  expect_text(fault_of("trap;", FaultKind::trap), "executed trap");
}

// ---- what is not known is said when the kernel is loaded ----

std::vector<std::string> unknown_in(const std::string& body) {
  const auto module = parse_ptx(module_of(".param .u64 out", kPrologue + body));
  Memory memory;
  return bind_kernel(*module, module->functions[0], {}, memory)->unknown;
}
TEST(Load, UnknownInstructionsAreListed) {
  const auto list = unknown_in(
      "frob.u32 %v, %t;\nadd.sideways.u32 %v, %t, 1;\nadd.u32 %v, %q, 1;\nadd.u32 %v, %t, 1;");
  ASSERT_EQ(list.size(), 3u);
  expect_text(list[0], "frob.u32 %v, %t (unknown opcode)");
  expect_text(list[1], "unknown modifier .sideways");
  expect_text(list[2], "register %q has another size");
  EXPECT_TRUE(unknown_in("add.u32 %v, %t, 1;").empty());
}
TEST(Load, ErrorsNameTheLine) {
  EXPECT_THROW(parse_ptx(module_of("", "add.u32 %r1, %r2, nowhere;")), ParseError);
  EXPECT_THROW(parse_ptx(".version 9.0\n.entry k()\n{\n"), ParseError);
  EXPECT_THROW(parse_ptx("`"), ParseError);
}

}  // namespace
}  // namespace ptxrun
