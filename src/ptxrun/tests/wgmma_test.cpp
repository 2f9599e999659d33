// wgmma: the result is compared with a plain product, the layout of its registers as the PTX manual
// draws it.
#include <gtest/gtest.h>

#include <cmath>

#include "tensor_core.h"

namespace ptxrun {
namespace {

using namespace tensor_test;

// ---- wgmma ----

std::vector<uint32_t> run_wgmma(const std::string& before, const std::string& instruction,
                                int outputs, const Matrix& a, const Matrix& b, uint64_t da,
                                uint64_t db, Schedule schedule, uint64_t slice = 4096,
                                const std::string& after = "", bool short_accumulators = false) {
  std::string body = copies() + ".reg .b32 d<" + std::to_string(outputs) + ">, r<4>;\n" + before;
  body += "mad.wide.u32 %o, %t, " + std::to_string(4 * outputs) +
          ", %o;\nwgmma.fence.sync.aligned;\n" + instruction +
          "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n" + after;
  for (int k = 0; k < outputs; ++k)
    body += "st.global.u32 [%o+" + std::to_string(4 * k) + "], d" + std::to_string(k) + ";\n";
  Gpu gpu;
  gpu.options.schedule = schedule, gpu.options.slice = slice;
  gpu.options.short_accumulators = short_accumulators;
  const uint64_t out = gpu.put(std::vector<uint32_t>(size_t(128 * outputs)));
  EXPECT_TRUE(gpu.run(module_of(kParams, body + "ret;"),
                      {gpu.put(a.image), gpu.put(b.image), out, da, db}, {1}, {128}));
  // what a test lays out but the instruction does not read is 0xff; nothing else may be found
  EXPECT_TRUE(gpu.report.empty()) << instruction;
  return gpu.get<uint32_t>(out, size_t(128 * outputs));
}

void wgmma(const Element& ea, const Element& eb, const std::string& d, int n, Layout la, Layout lb,
           bool from_registers, Schedule schedule) {
  const uint32_t depth = 32 / ea.bytes;
  const bool whole = d == "s32", half = d == "f16";
  const Matrix a = draw(ea, la, 64, depth, 11), b = draw(eb, lb, uint32_t(n), depth, 12);
  const int outputs = half ? n / 4 : n / 2;
  // twice, the second on top of the first: 2 A B
  std::string before;
  for (int k = 0; k < outputs; ++k) before += "mov.b32 d" + std::to_string(k) + ", 0;\n";
  std::string operand = "%da";
  if (from_registers) {
    // register r of a lane: row l / 4 + 8 (r % 2) of its warp's 16, 4 bytes from (l % 4 + 4 (r /
    // 2)) 4 on
    operand = names("r", 4);
    for (int r = 0; r < 4; ++r)
      before +=
          "shr.u32 %v, %l, 2;\nmad.lo.u32 %v, %w, 16, %v;\nadd.u32 %v, %v, " +
          std::to_string(8 * (r % 2)) +
          ";\nshl.b32 %v, %v, 5;\nand.b32 %x, %l, 3;\nmad.lo.u32 %v, %x, 4, %v;\nadd.u32 %v, %v, " +
          std::to_string(16 * (r / 2)) +
          ";\nshr.u32 %x, %v, 3;\nand.b32 %x, %x, 16;\nxor.b32 %v, %v, %x;\nadd.u32 %v, %v, "
          "s;\nld.shared.u32 r" +
          std::to_string(r) + ", [%v];\n";
  }
  const std::string text = "wgmma.mma_async.sync.aligned.m64n" + std::to_string(n) + "k" +
                           std::to_string(depth) + "." + d + "." + ea.name + "." + eb.name + " " +
                           names("d", outputs) + ", " + operand + ", %db, p";
  std::string tail;
  if (!whole) tail = ", 1, 1";
  if (ea.bytes == 2) tail += from_registers ? "" : la == kTransposed ? ", 1" : ", 0";
  if (ea.bytes == 2) tail += lb == kTransposed ? ", 1" : ", 0";
  const std::string both =
      "setp.ne.u32 p, 0, 0;\n" + text + tail + ";\nsetp.ne.u32 p, 1, 0;\n" + text + tail + ";\n";
  const auto out = run_wgmma(before, both, outputs, a, b, descriptor(la, 1024, 64, ea.bytes, false),
                             descriptor(lb, 17408, uint32_t(n), eb.bytes, false), schedule);
  for (uint32_t row = 0; row < 64; ++row)
    for (uint32_t column = 0; column < uint32_t(n); ++column) {
      // thread of the row: warp row / 16, lane 4 (row % 8) + column / 2 % 4
      const uint32_t thread = row / 16 * 32 + row % 8 * 4 + column / 2 % 4;
      const uint32_t e = column / 8 * 4 + row / 8 % 2 * 2 + column % 2;
      const uint32_t word = out[thread * uint32_t(outputs) + (half ? e / 2 : e)];
      const double expected = 2 * product(a, b, row, column, depth, whole);
      if (half) {
        const uint32_t h = word >> 16 * (e % 2) & 0xffff;
        const int x = int(h >> 10 & 31);
        const double got = (h & 0x8000 ? -1 : 1) * (x ? std::ldexp(1 + (h & 1023) / 1024.0, x - 15)
                                                      : std::ldexp((h & 1023) / 1024.0, -14));
        ASSERT_NEAR(got, expected, std::fabs(expected) / 512 + 1e-3)
            << text;  // two roundings to half
      } else {
        ASSERT_EQ(whole ? double(int32_t(word)) : double(std::bit_cast<float>(word)), expected)
            << text << " at " << row << ", " << column;
      }
    }
}

TEST(Wgmma, Layouts) {
  for (Layout la : {kPlain, kSwizzle32, kSwizzle64, kSwizzle128, kTransposed})
    for (Layout lb : {kPlain, kSwizzle32, kSwizzle64, kSwizzle128, kTransposed})
      wgmma(kF16, kF16, "f32", 64, la, lb, false, Schedule::eager);
}
TEST(Wgmma, Types) {
  for (Schedule s : {Schedule::eager, Schedule::lazy, Schedule::random}) {
    wgmma(kBf16, kBf16, "f32", 128, kSwizzle128, kTransposed, false, s);
    wgmma(kF16, kF16, "f16", 32, kSwizzle64, kSwizzle64, false, s);
    wgmma(kTf32, kTf32, "f32", 8, kSwizzle32, kSwizzle128, false, s);
    wgmma(kE4m3, kE5m2, "f32", 96, kSwizzle128, kSwizzle32, false, s);
    wgmma(kE5m2, kE4m3, "f32", 256, kSwizzle64, kSwizzle64, false, s);
    wgmma(kS8, kS8, "s32", 64, kSwizzle128, kPlain, false, s);
  }
}
TEST(Wgmma, FromRegisters) {
  for (Schedule s : {Schedule::eager, Schedule::lazy}) {
    wgmma(kF16, kF16, "f32", 64, kSwizzle32, kTransposed, true, s);
    wgmma(kE4m3, kE4m3, "f32", 64, kSwizzle32, kSwizzle128, true, s);
  }
}

// A warp that has waited knows that the product of all four is done: the first one overwrites both
// matrices, as a consumer does that hands the stage of a pipeline back for its whole warpgroup.
TEST(Wgmma, OneWarpWaitsForAllFour) {
  const Matrix a = draw(kF16, kSwizzle32, 64, 16, 21), b = draw(kF16, kSwizzle32, 8, 16, 22);
  std::string overwrite =
      "mov.b32 %v, -1;\nmov.u32 %x, s;\nmad.lo.u32 %x, %l, 64, %x;\nsetp.eq.u32 q, %w, 0;\n";
  for (int k = 0; k < 64; k += 4)  // 32 lanes: 2048 bytes of either
    for (int image : {0, int(kImage)})
      overwrite += "@q st.shared.u32 [%x+" + std::to_string(image + k) + "], %v;\n";
  for (Schedule s : {Schedule::eager, Schedule::lazy, Schedule::random})
    for (uint64_t slice : {1, 7, 4096}) {
      const auto out =
          run_wgmma("",
                    "setp.ne.u32 p, 0, 0;\nwgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 " +
                        names("d", 4) + ", %da, %db, p, 1, 1, 0, 0;\n",
                    4, a, b, descriptor(kSwizzle32, 1024, 64, 2, false),
                    descriptor(kSwizzle32, 17408, 8, 2, false), s, slice, overwrite);
      for (uint32_t row = 0; row < 64; ++row)
        for (uint32_t column = 0; column < 8; ++column) {
          const uint32_t thread = row / 16 * 32 + row % 8 * 4 + column / 2;
          const uint32_t word = out[thread * 4 + row / 8 % 2 * 2 + column % 2];
          ASSERT_EQ(double(std::bit_cast<float>(word)), product(a, b, row, column, 16, false))
              << "slice " << slice << " at " << row << ", " << column;
        }
    }
}
// ---- discipline ----

std::string findings_of(const std::string& body) {
  const Matrix a = draw(kF16, kSwizzle128, 64, 16, 1);
  Gpu gpu;
  const uint64_t out = gpu.put(std::vector<uint32_t>(4096));
  const std::string start = copies() + ".reg .b32 d<4>;\nsetp.ne.u32 p, 1, 0;\n";
  std::string s = start;
  for (int k = 0; k < 4; ++k) s += "mov.b32 d" + std::to_string(k) + ", 0;\n";
  gpu.run(module_of(kParams, s + body + "st.global.u32 [%o], d0;\nret;"),
          {gpu.put(a.image), gpu.put(a.image), out, descriptor(kSwizzle128, 1024, 64, 2, false),
           descriptor(kSwizzle128, 17408, 8, 2, false)},
          {1}, {128});
  std::string all;
  for (const Finding& f : gpu.report.findings())
    all += std::string(name_of(f.kind)) + ": " + f.what + "\n";
  return all;
}
const std::string kOne =
    "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {d0, d1, d2, d3}, %da, %db, p, 1, 1, 0, "
    "0;\n";
const std::string kFence = "wgmma.fence.sync.aligned;\n",
                  kCommit = "wgmma.commit_group.sync.aligned;\n",
                  kWait = "wgmma.wait_group.sync.aligned 0;\n";
TEST(Wgmma, Discipline) {
  auto has = [](const std::string& all, const char* part) { return all.find(part) != all.npos; };
  // the store at the end by 128 threads to one place is a race of its own
  const std::string good = findings_of(kFence + kOne + kCommit + kWait);
  EXPECT_FALSE(has(good, "register")) << good;
  EXPECT_TRUE(has(findings_of(kOne + kCommit + kWait), "without wgmma.fence"));
  EXPECT_TRUE(has(findings_of(kFence + kOne + kCommit), "reads a register that asynchronous work"));
  EXPECT_TRUE(has(findings_of(kFence + kOne + kWait), "reads a register that asynchronous work"));
  EXPECT_TRUE(
      has(findings_of(kFence + kOne + kCommit + "mov.b32 d1, 0;\n" + kWait), "writes a register"));
  EXPECT_TRUE(has(
      findings_of(kFence + kOne + kCommit +
                  "mov.u32 %x, s;\nmad.lo.u32 %x, %t, 4, %x;\nst.shared.u32 [%x], %t;\n" + kWait),
      "write after a read by asynchronous work"));
  EXPECT_TRUE(
      has(findings_of(
              "mov.u32 %x, s;\nmad.lo.u32 %x, %t, 4, %x;\nst.shared.u32 [%x], 0;\nbar.sync 0;\n" +
              kFence + kOne + kCommit + kWait),
          "missing proxy fence"));
}

// A warp that leaves before the product leaves the others waiting.
// One large product and 31 small ones, e4m3: a sum of small terms far below the largest is lost
// with short accumulators, in integers of the unit: 2^-13 of the largest term's power of two.
TEST(Wgmma, ShortAccumulators) {
  Matrix a{{}, std::vector<uint8_t>(kImage, 0xff)}, b = a;
  std::vector<double> av(64 * 32), bv(8 * 32);
  Random r(21);
  auto put = [&](Matrix& m, std::vector<double>& v, uint32_t rows) {
    for (uint32_t i = 0; i < rows; ++i)
      for (uint32_t k = 0; k < 32; ++k) {
        // 1 to 1.875 times 2^-6 to 2^7, either sign
        const uint32_t fraction = uint32_t(r.below(8)), exponent = 1 + uint32_t(r.below(14));
        const uint32_t sign = uint32_t(r.below(2));
        v[i * 32 + k] = (sign ? -1 : 1) * std::ldexp(1 + fraction / 8.0, int(exponent) - 7);
        m.image[in_blocks(i, k)] = uint8_t(sign << 7 | exponent << 3 | fraction);
      }
  };
  put(a, av, 64), put(b, bv, 8);
  const std::string text =
      "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 {d0, d1, d2, d3}, %da, %db, p, 1, 1;\n";
  std::string before;
  for (int k = 0; k < 4; ++k) before += "mov.b32 d" + std::to_string(k) + ", 0;\n";
  const auto out =
      run_wgmma(before, "setp.ne.u32 p, 0, 0;\n" + text + "setp.ne.u32 p, 1, 0;\n" + text, 4, a, b,
                descriptor(kPlain, 1024, 64, 1, false), descriptor(kPlain, 17408, 8, 1, false),
                Schedule::eager, 4096, "", true);
  // In units of 2^-18, of which every product is a multiple; the unit that is kept is 2^(top - 13).
  auto step = [&](uint32_t row, uint32_t column, int64_t old) {
    int64_t terms[33], largest = 0, sum = 0;
    for (uint32_t k = 0; k < 32; ++k)
      terms[k] = int64_t(std::ldexp(av[row * 32 + k] * bv[column * 32 + k], 18));
    terms[32] = old;
    for (int64_t t : terms) largest = std::max(largest, std::abs(t));
    int64_t unit = 1;
    while (unit << 14 <= largest) unit *= 2;
    for (int64_t t : terms) sum += t / unit * unit;  // C++ divides toward zero
    for (int64_t cut = 1; std::abs(sum) >> 24 >= cut; cut *= 2) sum = sum / (2 * cut) * (2 * cut);
    return sum;
  };
  int differ = 0;
  for (uint32_t row = 0; row < 64; ++row)
    for (uint32_t column = 0; column < 8; ++column) {
      const uint32_t thread = row / 16 * 32 + row % 8 * 4 + column / 2 % 4;
      const uint32_t e = row / 8 % 2 * 2 + column % 2;
      const int64_t expected = step(row, column, step(row, column, 0));
      ASSERT_EQ(std::ldexp(double(std::bit_cast<float>(out[thread * 4 + e])), 18), double(expected))
          << row << ", " << column;
      double exact = 0;
      for (uint32_t k = 0; k < 32; ++k) exact += 2 * av[row * 32 + k] * bv[column * 32 + k];
      differ += double(std::bit_cast<float>(out[thread * 4 + e])) != double(float(exact));
    }
  EXPECT_GT(differ, 256);  // of 512: the option does something
}

TEST(Wgmma, NeedsAllFour) {
  EXPECT_NE(findings_of("setp.eq.u32 q, %w, 3;\n@q ret;\n" + kFence + kOne + kCommit + kWait)
                .find("deadlock: nobody can go on: warp 0 lanes 0-31 wait at wgmma.wait_group"),
            std::string::npos);
}

}  // namespace
}  // namespace ptxrun
