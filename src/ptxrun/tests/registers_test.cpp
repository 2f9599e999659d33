// Registers: how many a kernel is counted with, and how warps pass them on.
#include "ptxrun/registers.h"

#include <gtest/gtest.h>

#include "kernel.h"

namespace ptxrun {
namespace {

uint32_t live(const std::string& body) {
  const auto module = parse_ptx(module_of(
      ".param .u64 p", ".reg .b32 r<9>;\n.reg .b64 q<3>;\n.reg .pred c;\n" + body + "ret;\n"));
  return live_registers(module->functions.back());
}
std::string bounded(const std::string& bounds, const std::string& body) {
  return ".version 9.0\n.target sm_90a\n.address_size 64\n.visible .entry k(.param .u64 p)\n" +
         bounds + "\n{\n" + body + "\nret;\n}\n";
}
uint32_t bound(const std::string& bounds) {
  return register_bound(parse_ptx(bounded(bounds, ""))->functions.back());
}

TEST(Registers, LiveAtOnce) {
  EXPECT_EQ(live(""), 0u);
  EXPECT_EQ(live("ld.param.u64 q0, [p];\nst.global.u32 [q0], 1;\n"), 0u);  // made again
  EXPECT_EQ(live("ld.param.u64 q0, [p];\nadd.u64 q1, q0, 8;\nst.global.u32 [q1], 1;\n"), 2u);
  const std::string loads =
      "ld.param.u64 q0, [p];\nld.global.u32 r1, [q0];\nld.global.u32 r2, [q0+4];\n"
      "ld.global.u32 r3, [q0+8];\n";
  EXPECT_EQ(live(loads + "add.u32 r4, r1, r2;\nadd.u32 r4, r4, r3;\nst.global.u32 [q0], r4;\n"),
            3u);
  EXPECT_EQ(live(loads + "st.global.u32 [q0], r3;\n"), 1u);  // nobody reads the other two
  EXPECT_EQ(live("ld.param.u64 q0, [p];\nld.global.v4.b32 {r1, r2, r3, r4}, [q0];\n"
                 "st.global.v4.b32 [q0+16], {r1, r2, r3, r4};\n"),
            4u);
}
// r1 is read in the loop, so it lives through all of it; r3 only under a guard, so r3's old value
// counts too.
TEST(Registers, LiveAroundLoopsAndUnderGuards) {
  const std::string begin =
      "ld.param.u64 q0, [p];\nld.global.u32 r1, [q0];\nld.global.u32 r2, [q0];\nLOOP:\n";
  const std::string end = "add.u32 r2, r2, -1;\nsetp.ne.u32 c, r2, 0;\n@c bra LOOP;\n";
  EXPECT_EQ(live(begin + "st.global.u32 [q0], r1;\n" + end), 2u);
  EXPECT_EQ(live(begin +
                 "add.u32 r4, r2, r1;\nadd.u32 r5, r2, 7;\nst.global.u32 [q0], r4;\n"
                 "st.global.u32 [q0], r5;\n" +
                 end),
            4u);
  EXPECT_EQ(live("ld.param.u64 q0, [p];\nld.global.u32 r3, [q0];\nld.global.u32 r1, [q0];\n"
                 "setp.eq.u32 c, r1, 0;\n@c mov.u32 r3, r1;\nst.global.u32 [q0], r3;\n"),
            2u);
}
TEST(Registers, Bounds) {
  EXPECT_EQ(bound(""), 0u);
  EXPECT_EQ(bound(".maxntid 384, 1, 1"), 168u);
  EXPECT_EQ(bound(".maxntid 384, 1, 1\n.minnctapersm 1"), 168u);
  EXPECT_EQ(bound(".maxntid 128, 1, 1"), 255u);
  EXPECT_EQ(bound(".maxntid 16, 16\n.minnctapersm 4"), 64u);
  EXPECT_EQ(bound(".reqntid 1000"), 64u);  // of 1024
  EXPECT_EQ(bound(".maxntid 384, 1, 1\n.maxnreg 72"), 72u);
}

// Of 12 warps with 168 registers, 4 go down to `less`; then 8 go up to `more`.
std::string exchange(int less, int more) {
  return bounded(".maxntid 384, 1, 1",
                 ".reg .b32 t;\n.reg .pred c;\nmov.u32 t, %tid.x;\nsetp.lt.u32 c, t, 128;\n"
                 "@c bra LESS;\nsetmaxnreg.inc.sync.aligned.u32 " +
                     std::to_string(more) +
                     ";\nbra END;\nLESS:\nbar.sync 1, 128;\nsetmaxnreg.dec.sync.aligned.u32 " +
                     std::to_string(less) + ";\nEND:\nbar.sync 0;\n");
}
TEST(Registers, PassFromWarpsToWarps) {
  for (auto [less, more] : {std::pair(24, 240), std::pair(40, 232), std::pair(168, 168)}) {
    Gpu gpu;
    EXPECT_TRUE(gpu.run(exchange(less, more), {0}, {2}, {384})) << less << " " << more;
    EXPECT_TRUE(gpu.report.empty());
  }
}
TEST(Registers, RequestThatIsNeverMet) {
  Gpu gpu;
  EXPECT_FALSE(gpu.run(exchange(40, 240), {0}, {1}, {384}));
  ASSERT_EQ(gpu.report.findings().size(), 1u);
  const Finding& f = gpu.report.findings()[0];
  EXPECT_EQ(f.kind, FaultKind::deadlock);
  // 4 x (168 - 40) = 512 came free, and seven warps took 72 of them each.
  EXPECT_NE(f.what.find("wait at setmaxnreg.inc.sync.aligned.u32 240"), f.what.npos) << f.what;
  EXPECT_NE(f.what.find("for 72 registers more a thread, of which the block has 8 left"),
            f.what.npos)
      << f.what;
}
TEST(Registers, WrongWayAndWrongNumbers) {
  for (auto [less, more] : {std::pair(176, 176), std::pair(24, 160)}) {
    Gpu gpu;
    EXPECT_FALSE(gpu.run(exchange(less, more), {0}, {1}, {384}));
    EXPECT_EQ(gpu.report.findings()[0].kind, FaultKind::misuse);
  }
  for (int n : {16, 20, 100, 264}) {
    const auto module = parse_ptx(exchange(24, n));
    Gpu gpu;
    const auto k = bind_kernel(*module, module->functions.back(), {}, gpu.memory);
    ASSERT_EQ(k->unknown.size(), 1u) << n;
    EXPECT_NE(k->unknown[0].find("multiples of 8 from 24 to 256"), std::string::npos);
  }
  // Without bounds ptxas ignores the instruction.
  Gpu gpu;
  EXPECT_TRUE(gpu.run(bounded("", "setmaxnreg.inc.sync.aligned.u32 240;\n"), {0}, {1}, {384}));
}

}  // namespace
}  // namespace ptxrun
