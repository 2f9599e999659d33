// The race and initialisation checker, and the counters of memory traffic.
#include <gtest/gtest.h>

#include "kernel.h"

namespace ptxrun {
namespace {

const std::string kPrologue =
    ".reg .b32 %t, %v, %w, %s, %l, %c;\n.reg .b64 %q, %o;\n.reg .pred %p;\n.shared .align 16 .b8 "
    "s[4096];\n"
    "mov.u32 %t, %tid.x;\nmov.u32 %c, %ctaid.x;\nld.param.u64 %o, [out];\nmov.u32 %s, s;\n"
    "mad.lo.u32 %l, %t, 4, %s;\nmad.wide.u32 %q, %t, 4, %o;\n";

struct Found {
  std::vector<Finding> findings;
  Count count;
};
Found run(const std::string& body, Dim3 grid = {1}, Dim3 block = {64}) {
  Gpu gpu;
  gpu.options.stats = "counted";
  const uint64_t out = gpu.put(std::vector<uint32_t>(4096));
  EXPECT_TRUE(
      gpu.run(module_of(".param .u64 out", kPrologue + body + "\nret;"), {out}, grid, block));
  Found f{gpu.report.findings(), {}};
  for (const Count& c : gpu.kernel->counts) add(f.count, c);
  return f;
}
void expect_race(const std::string& body, const std::string& part, Dim3 grid = {1},
                 Dim3 block = {64}) {
  std::string all;
  for (const Finding& f : run(body, grid, block).findings)
    if (f.kind == FaultKind::race) all += f.what + "\n";
  EXPECT_NE(all.find(part), std::string::npos) << body << "\nfound: " << all;
}
void expect_none(const std::string& body, Dim3 grid = {1}, Dim3 block = {64}) {
  for (const Finding& f : run(body, grid, block).findings) ADD_FAILURE() << body << to_text(f);
}

const std::string kStore = "st.shared.u32 [%l], %t;\n";
// Reads what lane t ^ 32 wrote: another warp's.
const std::string kReadOtherWarp =
    "xor.b32 %v, %t, 32;\nmad.lo.u32 %v, %v, 4, %s;\nld.shared.u32 %v, [%v];\n";
const std::string kReadNeighbour =
    "xor.b32 %v, %t, 1;\nmad.lo.u32 %v, %v, 4, %s;\nld.shared.u32 %v, [%v];\n";

TEST(Race, SharedMemoryAcrossWarps) {
  expect_race(kStore + kReadOtherWarp, "read after a write by thread");
  expect_none(kStore + "bar.sync 0;\n" + kReadOtherWarp);
  expect_race(kStore + "bar.sync 0;\n" + kReadOtherWarp + "add.u32 %t, %t, 1;\n" + kStore,
              "write after a read");
  expect_none(kStore + "bar.sync 0;\n" + kReadOtherWarp + "bar.sync 0;\nadd.u32 %t, %t, 1;\n" +
              kStore);
  // A named barrier of one warp orders nothing for the other.
  expect_race(
      kStore + "shr.u32 %v, %t, 5;\nadd.u32 %v, %v, 1;\nbar.sync %v, 32;\n" + kReadOtherWarp,
      "read after a write");
}
// A relaxed arrival at the cluster's barrier publishes what a fence before it covers, and no more.
TEST(Race, RelaxedClusterArrival) {
  auto findings = [](const std::string& fence) {
    Gpu gpu;
    gpu.run(module_of("",
                      ".shared .align 8 .b64 bar;\n.reg .b32 %t, %r, %b, %p;\n.reg .pred q;\n"
                      "mov.u32 %t, %tid.x;\nmov.u32 %r, %cluster_ctarank;\nxor.b32 %r, %r, 1;\n"
                      "mov.u32 %b, bar;\nsetp.eq.u32 q, %t, 0;\n"
                      "@q mbarrier.init.shared::cta.b64 [%b], 64;\n" +
                          fence +
                          "barrier.cluster.arrive.relaxed.aligned;\n"
                          "barrier.cluster.wait.acquire.aligned;\n"
                          "mapa.shared::cluster.u32 %p, %b, %r;\n"
                          "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%p];\n"
                          "barrier.cluster.arrive.release.aligned;\n"
                          "barrier.cluster.wait.acquire.aligned;\nret;"),
            {}, {2}, {64}, 0, {2});
    std::string all;
    for (const Finding& f : gpu.report.findings()) all += to_text(f);
    return all;
  };
  EXPECT_EQ(findings("fence.mbarrier_init.release.cluster;\n"), "");
  EXPECT_NE(findings("").find("mbarrier.init"), std::string::npos);
}
TEST(Race, LanesOfAWarp) {
  expect_race(kStore + kReadNeighbour, "read after a write by thread");
  expect_none(kStore + "bar.warp.sync -1;\n" + kReadNeighbour);
  // A shuffle moves a register; it orders no memory.
  expect_race(kStore + "shfl.sync.bfly.b32 %w, %t, 1, 31, -1;\n" + kReadNeighbour,
              "read after a write");
  // Pairs that synchronise among themselves suffice for neighbours, not for lanes 16 apart.
  const std::string pairs =
      "and.b32 %w, %t, 30;\nmov.u32 %v, 3;\nshl.b32 %w, %v, %w;\nbar.warp.sync %w;\n";
  expect_none(kStore + pairs + kReadNeighbour);
  expect_race(
      kStore + pairs + "xor.b32 %v, %t, 16;\nmad.lo.u32 %v, %v, 4, %s;\nld.shared.u32 %v, [%v];",
      "read after a write");
}
TEST(Race, SmallPieces) {
  expect_none("add.u32 %v, %s, %t;\nst.shared.u8 [%v], %t;");
  expect_race("shr.u32 %v, %t, 1;\nadd.u32 %v, %v, %s;\nst.shared.u8 [%v], %t;",
              "write after a write");
  expect_none("st.shared.u32 [%s], 7;");  // everybody stores the same
}
TEST(Race, GlobalMemory) {
  const std::string store = "st.global.u32 [%q], %c;\n";
  expect_race(store, "write after a write by thread 0 of block 0", {2});
  expect_none("mad.wide.u32 %q, %c, 256, %q;\n" + store, {2});
  expect_none("atom.global.add.u32 %v, [%o], 1;", {3});
  expect_race(
      "atom.global.add.u32 %v, [%o], 1;\nsetp.eq.u32 %p, %t, 0;\n@%p ld.global.u32 %v, [%o];",
      "read after a write", {3});
}
// Block 0 writes and raises a flag, block 1 waits for it and reads.
TEST(Race, FlagsBetweenBlocks) {
  auto message = [](const std::string& raise, const std::string& see) {
    return "setp.eq.u32 %p, %c, 1;\n@%p bra READ;\nst.global.u32 [%q+1024], %t;\nbar.sync "
           "0;\nsetp.ne.u32 %p, %t, 0;\n@%p ret;\n" +
           raise + "\nret;\nREAD:\nsetp.ne.u32 %p, %t, 0;\n@%p bra GO;\nSPIN: " + see +
           "\nsetp.eq.u32 %p, %v, 0;\n@%p bra SPIN;\nGO: bar.sync 0;\nld.global.u32 %v, [%q+1024];";
  };
  expect_none(message("st.release.gpu.global.u32 [%o], 1;", "ld.acquire.gpu.global.u32 %v, [%o];"),
              {2});
  expect_none(message("fence.acq_rel.gpu;\nst.volatile.global.u32 [%o], 1;",
                      "ld.volatile.global.u32 %v, [%o];\nfence.acq_rel.gpu;"),
              {2});
  expect_none(message("membar.gl;\natom.global.exch.b32 %v, [%o], 1;",
                      "atom.global.or.b32 %v, [%o], 0;\nmembar.gl;"),
              {2});
  expect_race(message("st.relaxed.gpu.global.u32 [%o], 1;", "ld.acquire.gpu.global.u32 %v, [%o];"),
              "read after a write", {2});
  expect_race(message("st.release.gpu.global.u32 [%o], 1;", "ld.relaxed.gpu.global.u32 %v, [%o];"),
              "read after a write", {2});
}
// Blocks in different pieces of a launch: the same findings, counters and bytes on any number of
// threads of the host. 64 blocks are 16 pieces.
struct Whole {
  std::string findings;
  std::vector<uint32_t> memory;
  Count count;
  uint64_t steps;
  bool good;
};
Whole run_pieces(const std::string& body, int threads, Schedule schedule) {
  Gpu gpu;
  gpu.options.threads = threads, gpu.options.stats = "counted", gpu.options.schedule = schedule;
  const uint64_t out = gpu.put(std::vector<uint32_t>(8192));
  const std::string text = module_of(".param .u64 out", kPrologue + body + "\nret;");
  Whole w;
  w.good = gpu.run(text, {out}, {64}, {64});
  for (const Finding& f : gpu.report.findings())
    w.findings += to_text(f) + std::to_string(f.times) + "\n";
  for (const Count& c : gpu.kernel->counts) add(w.count, c);
  w.memory = gpu.get<uint32_t>(out, 8192), w.steps = gpu.steps;
  EXPECT_TRUE(!w.good || w.steps == w.count.warps) << w.steps << " " << w.count.warps;
  return w;
}
void expect_same(const std::string& body, const std::string& finding) {
  for (const Schedule s : {Schedule::eager, Schedule::lazy, Schedule::random}) {
    const Whole one = run_pieces(body, 1, s);
    for (const int threads : {2, 5}) {
      const Whole many = run_pieces(body, threads, s);
      EXPECT_EQ(one.findings, many.findings) << body;
      EXPECT_EQ(one.good, many.good);
      if (!one.good) continue;  // what a faulting launch leaves behind is nobody's business
      // blocks that race on two threads of the host leave behind what the later one wrote
      if (finding.empty()) {
        EXPECT_EQ(one.memory, many.memory) << body;
      }
      EXPECT_EQ(one.count.warps, many.count.warps);
      EXPECT_EQ(one.count.sectors, many.count.sectors);
    }
    if (finding.empty())
      EXPECT_EQ(one.findings, "") << body;
    else
      EXPECT_NE(one.findings.find(finding), std::string::npos) << body << one.findings;
  }
}
TEST(Pieces, SameOnAnyNumberOfThreads) {
  // every block its own words, and all read what nobody writes
  const std::string own = "mad.lo.u32 %v, %c, 64, %t;\nmad.wide.u32 %q, %v, 4, %o;\n";
  expect_same(own + "ld.global.u32 %w, [%o+32000];\nadd.u32 %v, %v, %w;\nst.global.u32 [%q], %v;",
              "");
  // all store the same, or bytes of their own in one word
  expect_same("st.global.u32 [%o], 7;", "");
  expect_same(
      "setp.eq.u32 %p, %t, 0;\ncvt.u64.u32 %q, %c;\nadd.u64 %q, %q, %o;\n"
      "@%p st.global.u8 [%q], %c;",
      "");
}
TEST(Pieces, RacesBetweenPieces) {
  // blocks b and b + 32 are in different pieces
  const std::string far =
      "and.b32 %v, %c, 31;\nmad.lo.u32 %v, %v, 64, %t;\n"
      "mad.wide.u32 %q, %v, 4, %o;\n";
  expect_same(far + "st.global.u32 [%q], %c;", "write after a write by thread 0 of block 0 at");
  expect_same(far +
                  "setp.ge.u32 %p, %c, 32;\n@%p st.global.u32 [%q], %c;\n"
                  "@!%p ld.global.u32 %v, [%q];",
              "write after a read by thread 0 of block 0 at");
  expect_same(far +
                  "setp.lt.u32 %p, %c, 32;\n@%p st.global.u32 [%q], 9;\n"
                  "@!%p ld.global.u32 %v, [%q];",
              "read after a write by thread 0 of block 0 at");
}
TEST(Pieces, FirstFaultOnly) {
  // blocks 40 and up are out of bounds; what earlier blocks do is reported, what later ones do not
  expect_same(
      "setp.ge.u32 %p, %c, 40;\nld.shared.u32 %v, [%l];\nmul.wide.u32 %q, %c, 4096;\n"
      "@!%p mov.u64 %q, 0;\nadd.u64 %q, %q, %o;\n@%p ld.global.u32 %v, [%q];",
      "block (4");
}
// Whose blocks may hear of each other is executed as a whole: they wait for one another.
TEST(Pieces, BlocksThatCommunicateStayTogether) {
  const std::string meet =
      "setp.ne.u32 %p, %t, 0;\n@%p ret;\natom.global.add.u32 %v, [%o], 1;\n"
      "SPIN: ld.volatile.global.u32 %v, [%o];\nsetp.lt.u32 %p, %v, 64;\n@%p bra SPIN;\n";
  Gpu gpu;
  gpu.options.resident = 64;
  const uint64_t out = gpu.put(std::vector<uint32_t>(64));
  EXPECT_TRUE(gpu.run(module_of(".param .u64 out", kPrologue + meet + "ret;"), {out}, {64}, {64}));
  EXPECT_EQ(gpu.get<uint32_t>(out, 1)[0], 64u);
}
TEST(Init, SharedMemoryNobodyWrote) {
  const Found f =
      run("setp.lt.u32 %p, %t, 5;\n@%p st.shared.u32 [%l], %t;\nld.shared.u32 %v, [%l];");
  ASSERT_EQ(f.findings.size(), 1u);
  EXPECT_EQ(f.findings[0].kind, FaultKind::uninitialised);
  EXPECT_NE(f.findings[0].what.find("lanes 5-31"), std::string::npos) << f.findings[0].what;
}

TEST(Count, BankConflicts) {
  struct Row {
    const char* address;
    uint64_t wavefronts;
  };
  const Row rows[] = {
      {"mul.lo.u32 %v, %t, 4;", 1},    {"mul.lo.u32 %v, %t, 8;", 2},
      {"mul.lo.u32 %v, %t, 128;", 32}, {"mul.lo.u32 %v, %t, 132;", 1},
      {"mov.u32 %v, 0;", 1},           {"and.b32 %v, %t, 1;\nmul.lo.u32 %v, %v, 128;", 2}};
  for (const Row& r : rows) {
    const Count c =
        run(std::string(r.address) + "\nadd.u32 %v, %v, %s;\nst.shared.u32 [%v], 1;", {1}, {32})
            .count;
    EXPECT_EQ(c.wavefronts, r.wavefronts) << r.address;
    EXPECT_EQ(c.ideal_wavefronts, 1u);
  }
  const Count v4 =
      run("mul.lo.u32 %v, %t, 16;\nadd.u32 %v, %v, %s;\nst.shared.v4.u32 [%v], {%t, %t, %t, %t};",
          {1}, {32})
          .count;
  EXPECT_EQ(v4.wavefronts, 4u);
  EXPECT_EQ(v4.ideal_wavefronts, 4u);
}
TEST(Count, Sectors) {
  struct Row {
    const char* address;
    uint64_t sectors, ideal;
  };
  const Row rows[] = {{"mad.wide.u32 %q, %t, 4, %o;", 4, 4},
                      {"mad.wide.u32 %q, %t, 32, %o;", 32, 4},
                      {"mov.u64 %q, %o;", 1, 1},
                      {"mad.wide.u32 %q, %t, 4, %o;\nadd.u64 %q, %q, 16;", 5, 4}};
  for (const Row& r : rows) {
    const Count c = run(std::string(r.address) + "\nst.global.u32 [%q], 1;", {1}, {32}).count;
    EXPECT_EQ(c.sectors, r.sectors) << r.address;
    EXPECT_EQ(c.ideal_sectors, r.ideal) << r.address;
  }
}
// For longer than a group's turn: lanes that meet behind a branch store together.
TEST(Count, BranchesThatMeet) {
  const Count c = run("mov.u32 %c, 0;\nand.b32 %v, %t, 1;\nLOOP: setp.eq.u32 %p, %v, 0;\n"
                      "@%p bra MEET;\nadd.u32 %w, %c, 1;\nMEET: st.global.u32 [%q], %c;\n"
                      "add.u32 %c, %c, 1;\nsetp.lt.u32 %p, %c, 2000;\n@%p bra LOOP;",
                      {1}, {32})
                      .count;
  EXPECT_EQ(c.sectors, 2000u * 4);
  EXPECT_EQ(c.ideal_sectors, 2000u * 4);
}

}  // namespace
}  // namespace ptxrun
