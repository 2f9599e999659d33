// clusterlaunchcontrol: clusters that do the work of others which have not started.
#include <gtest/gtest.h>

#include "kernel.h"

namespace ptxrun {
namespace {

constexpr uint32_t kBlocks = 48, kStarts = kBlocks;  // out[kStarts]: blocks that were started

// Every block counts the place whose work it does in out[], then asks for another: the cluster's
// first block asks for all. `after`: what is done once there is none.
std::string stealing(const std::string& after) {
  return module_of(
      ".param .u64 p",
      ".reg .b32 cur, rank, phase, x;\n.reg .b64 out, at, st;\n.reg .b128 r;\n.reg .pred c, lead;\n"
      ".shared .align 16 .b8 answer[16];\n.shared .align 8 .b64 bar;\n"
      "ld.param.u64 out, [p];\nmov.u32 cur, %ctaid.x;\nmov.u32 rank, %cluster_ctarank;\n"
      "setp.eq.u32 lead, rank, 0;\nmov.u32 phase, 0;\n"
      "red.global.add.u32 [out+" +
          std::to_string(4 * kStarts) +
          "], 1;\nmbarrier.init.shared.b64 [bar], 1;\nfence.mbarrier_init.release.cluster;\n"
          "barrier.cluster.arrive;\nbarrier.cluster.wait;\n"
          "LOOP:\nmad.wide.u32 at, cur, 4, out;\nred.global.add.u32 [at], 1;\n"
          "mbarrier.arrive.expect_tx.shared.b64 st, [bar], 16;\n"
          "barrier.cluster.arrive;\nbarrier.cluster.wait;\n"
          "@lead clusterlaunchcontrol.try_cancel.async.shared::cta.mbarrier::complete_tx::bytes."
          "multicast::cluster::all.b128 [answer], [bar];\n"
          "WAIT:\nmbarrier.try_wait.parity.shared.b64 c, [bar], phase;\n@!c bra WAIT;\n"
          "xor.b32 phase, phase, 1;\nld.shared.b128 r, [answer];\n"
          "clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 c, r;\n"
          "fence.proxy.async.shared::cta;\n@!c bra END;\n"
          "clusterlaunchcontrol.query_cancel.get_first_ctaid.v4.b32.b128 {x, _, _, _}, r;\n"
          "clusterlaunchcontrol.query_cancel.get_first_ctaid::x.b32.b128 cur, r;\n"
          "sub.u32 x, x, cur;\nadd.u32 cur, cur, x;\nadd.u32 cur, cur, rank;\nbra LOOP;\n"
          "END:\nbarrier.cluster.arrive;\nbarrier.cluster.wait;\n" +
          after + "ret;\n");
}

TEST(LaunchControl, EveryBlockOnce) {
  for (Schedule schedule : {Schedule::eager, Schedule::lazy, Schedule::random})
    for (uint32_t size : {1u, 2u, 4u}) {
      Gpu gpu;
      gpu.options.schedule = schedule;
      gpu.options.slice = 3;
      const uint64_t out = gpu.put(std::vector<uint32_t>(kBlocks + 1));
      EXPECT_TRUE(gpu.run(stealing(""), {out}, {kBlocks}, {1}, 0, {size}));
      EXPECT_TRUE(gpu.report.empty());
      const auto done = gpu.get<uint32_t>(out, kBlocks + 1);
      for (uint32_t b = 0; b < kBlocks; ++b) EXPECT_EQ(done[b], 1u) << b << " of " << size;
      // Those that ran side by side did it all; a random schedule also starts some itself.
      if (schedule == Schedule::random)
        EXPECT_LT(done[kStarts], kBlocks);
      else
        EXPECT_EQ(done[kStarts], 4u);
    }
}
// Every block that runs asks once: those that ran and those that were given away are all there are.
TEST(LaunchControl, PlacesInThreeDimensions) {
  constexpr uint32_t kX = 3, kY = 2, kZ = 4, kAllBlocks = kX * kY * kZ;
  const std::string body = module_of(
      ".param .u64 p",
      ".reg .b32 x, y, z, n;\n.reg .b64 out, st;\n.reg .b128 r;\n.reg .pred c;\n"
      ".shared .align 16 .b8 answer[16];\n.shared .align 8 .b64 bar;\nld.param.u64 out, [p];\n"
      "mov.u32 x, %ctaid.x;\nmov.u32 y, %ctaid.y;\nmov.u32 z, %ctaid.z;\n"
      "mad.lo.u32 n, z, 2, y;\nmad.lo.u32 n, n, 3, x;\nmad.wide.u32 out, n, 16, out;\n"
      "st.global.u32 [out+12], 1;\n"
      "mbarrier.init.shared.b64 [bar], 1;\nmbarrier.arrive.expect_tx.shared.b64 st, [bar], 16;\n"
      "clusterlaunchcontrol.try_cancel.async.mbarrier::complete_tx::bytes.b128 [answer], [bar];\n"
      "WAIT:\nmbarrier.try_wait.parity.shared.b64 c, [bar], 0;\n@!c bra WAIT;\n"
      "ld.shared.b128 r, [answer];\n"
      "clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 c, r;\n@!c ret;\n"
      "clusterlaunchcontrol.query_cancel.get_first_ctaid.v4.b32.b128 {x, y, z, _}, r;\n"
      "clusterlaunchcontrol.query_cancel.get_first_ctaid::z.b32.b128 z, r;\n"
      "st.global.v4.u32 [out], {x, y, z, 2};\nret;\n");
  for (int resident : {1, 4, 5}) {
    Gpu gpu;
    gpu.options.resident = resident;
    const uint64_t out = gpu.put(std::vector<uint32_t>(4 * kAllBlocks));
    EXPECT_TRUE(gpu.run(body, {out}, {kX, kY, kZ}, {1}));
    const auto told = gpu.get<std::array<uint32_t, 4>>(out, kAllBlocks);
    std::vector<int> seen(kAllBlocks, 0);
    for (uint32_t b = 0; b < kAllBlocks; ++b) {
      if (told[b][3]) ++seen[b];
      if (told[b][3] != 2) continue;
      ASSERT_TRUE(told[b][0] < kX && told[b][1] < kY && told[b][2] < kZ);
      ++seen[told[b][0] + kX * (told[b][1] + kY * told[b][2])];
    }
    EXPECT_EQ(seen, std::vector<int>(kAllBlocks, 1)) << resident;
    EXPECT_EQ(told[0][3], 2u);
  }
}
TEST(LaunchControl, AskedAgainAfterARefusal) {
  Gpu gpu;
  const uint64_t out = gpu.put(std::vector<uint32_t>(kBlocks + 1));
  EXPECT_FALSE(gpu.run(stealing("mbarrier.arrive.expect_tx.shared.b64 st, [bar], 16;\n"
                                "clusterlaunchcontrol.try_cancel.async.shared::cta.mbarrier::"
                                "complete_tx::bytes.b128 [answer], [bar];\n"),
                       {out}, {kBlocks}, {1}));
  ASSERT_EQ(gpu.report.findings().size(), 1u);
  EXPECT_EQ(gpu.report.findings()[0].kind, FaultKind::misuse);
  EXPECT_NE(gpu.report.findings()[0].what.find("saw that a request had failed"), std::string::npos);
}
TEST(LaunchControl, AnswerThatIsNone) {
  Gpu gpu;
  EXPECT_FALSE(gpu.run(module_of(".param .u64 p",
                                 ".reg .b64 a;\n.reg .b128 r;\n.reg .pred c;\nmov.u64 a, 5;\n"
                                 "mov.b128 r, {a, a};\n"
                                 "clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 c, r;\n"),
                       {0}, {1}, {1}));
  EXPECT_NE(gpu.report.findings()[0].what.find("no answer of"), std::string::npos);
}

}  // namespace
}  // namespace ptxrun
