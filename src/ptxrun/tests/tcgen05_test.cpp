// tcgen05: products in tensor memory against plain ones; loads and stores of every shape against
// the manual's drawings.
#include <gtest/gtest.h>

#include <cmath>

#include "tensor_core.h"

namespace ptxrun {
namespace {

using namespace tensor_test;

// Fields of an instruction descriptor.
uint32_t instruction(uint32_t m, uint32_t n, uint32_t a, uint32_t b, uint32_t d, bool trans_a,
                     bool trans_b) {
  return d << 4 | a << 7 | b << 10 | uint32_t(trans_a) << 15 | uint32_t(trans_b) << 16 |
         n / 8 << 17 | m / 16 << 24;
}

// One thread multiplies twice into columns %m and up (the second on top), commits and all wait for
// the mbarrier; then thread t stores row t of D. `pair`: two blocks together.
std::string body(const std::string& before, const std::string& multiply, int n, bool pair) {
  const std::string group = pair ? ".cta_group::2" : ".cta_group::1";
  const std::string meet =
      pair ? "barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;\n" : "bar.sync 0;\n";
  std::string s =
      copies() + ".shared .align 8 .b64 bar;\n.shared .align 4 .b32 at;\n.reg .b32 d<" +
      std::to_string(n) +
      ">, %c, %y, %u, %id, %r;\n.reg .b16 %mask;\nmov.u32 %r, %cluster_ctarank;\n"
      "setp.ne.u32 p, %t, 0;\n@!p mbarrier.init.shared.b64 [bar], "
      "1;\nfence.mbarrier_init.release.cluster;\n"
      "setp.ne.u32 q, %w, 0;\n@q bra ALLOCATED;\ntcgen05.alloc" +
      group + ".sync.aligned.shared::cta.b32 [at], 256;\ntcgen05.relinquish_alloc_permit" + group +
      ".sync.aligned;\nALLOCATED:\n" + meet + "ld.shared.u32 %m, [at];\n" + before;
  s += "setp.ne.u32 p, %t, 0;\n@p bra WAIT;\nsetp.ne.u32 p, %r, 0;\n@p bra WAIT;\n" + multiply;
  s += pair ? "mov.b16 %mask, "
              "3;\ntcgen05.commit.cta_group::2.mbarrier::arrive::one.shared::cluster.multicast::"
              "cluster.b64 [bar], %mask;\n"
            : "tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster.b64 [bar];\n";
  s += "WAIT: mbarrier.try_wait.parity.shared.b64 p, [bar], 0;\n@!p bra "
       "WAIT;\ntcgen05.fence::after_thread_sync;\n"
       "shl.b32 %y, %w, 21;\nadd.u32 %y, %y, %m;\n"
       "tcgen05.ld.sync.aligned.32x32b.x" +
       std::to_string(n) + ".b32 " + names("d", n) +
       ", [%y];\n"
       "tcgen05.wait::ld.sync.aligned;\nmov.u32 %x, %ctaid.x;\nshl.b32 %x, %x, 7;\nadd.u32 %x, %x, "
       "%t;\n"
       "mad.wide.u32 %o, %x, " +
       std::to_string(4 * n) + ", %o;\n";
  for (int k = 0; k < n; ++k)
    s += "st.global.u32 [%o+" + std::to_string(4 * k) + "], d" + std::to_string(k) + ";\n";
  return s + meet + "@q bra DONE;\ntcgen05.dealloc" + group +
         ".sync.aligned.b32 %m, 256;\nDONE: ret;";
}

struct Outcome {
  std::vector<uint32_t> out;
  std::string findings;
};
Outcome run(const std::string& text, const std::vector<uint8_t>& a, const std::vector<uint8_t>& b,
            uint64_t da, uint64_t db, int words, Schedule schedule, uint32_t blocks = 1) {
  Gpu gpu;
  gpu.options.schedule = schedule;
  const uint64_t out = gpu.put(std::vector<uint32_t>(size_t(128 * words) * blocks));
  EXPECT_TRUE(gpu.run(module_of(kParams, text), {gpu.put(a), gpu.put(b), out, da, db}, {blocks},
                      {128}, 0, {blocks}));
  Outcome r{gpu.get<uint32_t>(out, size_t(128 * words) * blocks), {}};
  for (const Finding& f : gpu.report.findings()) r.findings += to_text(f);
  return r;
}
double number(uint32_t word, uint32_t d) {
  if (d == 2) return int32_t(word);
  if (d == 1) return double(std::bit_cast<float>(word));
  const int x = int(word >> 10 & 31);
  return (word & 0x8000 ? -1 : 1) * (x ? std::ldexp(1 + (word & 1023) / 1024.0, x - 15)
                                       : std::ldexp((word & 1023) / 1024.0, -14));
}

void multiply(const char* kind, const Element& ea, const Element& eb, uint32_t code_a,
              uint32_t code_b, uint32_t d, uint32_t m, uint32_t n, Layout la, Layout lb,
              Schedule schedule) {
  const uint32_t depth = 32 / ea.bytes;
  const Matrix a = draw(ea, la, m, depth, 21), b = draw(eb, lb, n, depth, 22);
  const std::string id =
      std::to_string(instruction(m, n, code_a, code_b, d, la == kTransposed, lb == kTransposed));
  const std::string one =
      std::string("tcgen05.mma.cta_group::1.kind::") + kind + " [%m], %da, %db, %id, p;\n";
  const std::string text = body(
      "", "mov.u32 %id, " + id + ";\nsetp.ne.u32 p, 0, 0;\n" + one + "setp.eq.u32 p, 0, 0;\n" + one,
      int(n), false);
  const Outcome r = run(text, a.image, b.image, descriptor(la, 1024, m, ea.bytes, true),
                        descriptor(lb, 17408, n, eb.bytes, true), int(n), schedule);
  // M = 64 fills lanes 0 to 15 of each quarter; the rest was never written and is read all the same
  if (m == 128) {
    EXPECT_EQ(r.findings, "") << text;
  }
  for (uint32_t i = 0; i < m; ++i)
    for (uint32_t j = 0; j < n; ++j) {
      const uint32_t lane = m == 64 ? i / 16 * 32 + i % 16 : i;
      const double expected = 2 * product(a, b, i, j, depth, d == 2),
                   got = number(r.out[lane * n + j], d);
      ASSERT_NEAR(got, expected, d == 0 ? std::fabs(expected) / 512 + 1e-3 : 0)
          << one << i << ", " << j;
    }
}
TEST(Tcgen05, Kinds) {
  for (Schedule s : {Schedule::eager, Schedule::lazy, Schedule::random}) {
    multiply("f16", kF16, kF16, 0, 0, 1, 128, 64, kSwizzle128, kSwizzle64, s);
    multiply("f16", kBf16, kBf16, 1, 1, 1, 64, 32, kPlain, kSwizzle32, s);
    multiply("f16", kF16, kF16, 0, 0, 0, 128, 32, kTransposed, kTransposed, s);
    multiply("tf32", kTf32, kTf32, 2, 2, 1, 128, 16, kSwizzle32, kSwizzle128, s);
    multiply("f8f6f4", kE4m3, kE5m2, 0, 1, 1, 128, 128, kSwizzle64, kSwizzle128, s);
    multiply("i8", kS8, kS8, 1, 1, 2, 128, 32, kSwizzle128, kPlain, s);
  }
}
TEST(Tcgen05, Pair) {
  const uint32_t m = 256, n = 64, depth = 16;
  const Matrix a0 = draw(kF16, kSwizzle128, 128, depth, 1),
               a1 = draw(kF16, kSwizzle128, 128, depth, 2);
  const Matrix b0 = draw(kF16, kSwizzle128, 32, depth, 3),
               b1 = draw(kF16, kSwizzle128, 32, depth, 4);
  std::vector<uint8_t> a = a0.image, b = b0.image;
  a.insert(a.end(), a1.image.begin(), a1.image.end()),
      b.insert(b.end(), b1.image.begin(), b1.image.end());
  const std::string one = "tcgen05.mma.cta_group::2.kind::f16 [%m], %da, %db, %id, p;\n";
  std::string text =
      body("",
           "mov.u32 %id, " + std::to_string(instruction(m, n, 0, 0, 1, false, false)) +
               ";\nsetp.ne.u32 p, 0, 0;\n" + one + "setp.eq.u32 p, 0, 0;\n" + one,
           int(n), true);
  // each block takes its own half of both operands
  const std::string from = "mad.wide.u32 %a, %t, 128, %a;\nmad.wide.u32 %b, %t, 128, %b;\n";
  text.replace(text.find(from), from.size(),
               "mov.u32 %x, %ctaid.x;\nshl.b32 %x, %x, 7;\nadd.u32 %x, %x, %t;\nmad.wide.u32 %a, "
               "%x, 128, %a;\nmad.wide.u32 %b, "
               "%x, 128, %b;\n");
  for (Schedule s : {Schedule::eager, Schedule::lazy}) {
    const Outcome r = run(text, a, b, descriptor(kSwizzle128, 1024, 128, 2, true),
                          descriptor(kSwizzle128, 17408, 32, 2, true), int(n), s, 2);
    EXPECT_EQ(r.findings, "");
    for (uint32_t i = 0; i < m; ++i)
      for (uint32_t j = 0; j < n; ++j)
        ASSERT_EQ(number(r.out[i * n + j], 1),
                  2 * product(i < 128 ? a0 : a1, j < 32 ? b0 : b1, i % 128, j % 32, depth, false))
            << i << ", " << j;
  }
}

// Scales come with tcgen05.cp from the 1024 bytes after B's elements: 512 for A, 512 for B; row r's
// word at 16 (r % 32) + 4 (r / 32).
void scaled(const char* kind, const char* vector, uint32_t block, bool ue8m0, uint32_t id_a,
            uint32_t id_b, Schedule s) {
  const bool four = std::string(kind) != "mxf8f6f4";
  const uint32_t m = 128, n = 128, depth = four ? 64 : 32, blocks = depth / block;
  Random random(31);
  constexpr int kHalves[8] = {0, 1, 2, 3, 4, 6, 8, 12};  // of e2m1, twice the value
  std::vector<double> a(m * depth), b(n * depth);
  std::vector<uint8_t> ia(kImage, 0xff), ib(kImage, 0xff);
  auto fill = [&](std::vector<double>& values, std::vector<uint8_t>& image, uint32_t rows) {
    for (uint32_t i = 0; i < rows; ++i)
      for (uint32_t k = 0; k < depth; ++k) {
        if (four) {
          const uint32_t code = uint32_t(random.below(16));
          values[i * depth + k] = (code & 8 ? -0.5 : 0.5) * kHalves[code & 7];
          uint8_t& byte = image[along_k(i, k / 2, 32)];
          byte = uint8_t(k & 1 ? (byte & 15) | code << 4 : (byte & 0xf0) | code);
        } else {
          const int v = int(random.below(33)) - 16;
          values[i * depth + k] = v / 8.0;
          image[along_k(i, k, 32)] = uint8_t(e4m3_bits(v));
        }
      }
  };
  fill(a, ia, m), fill(b, ib, n);
  std::vector<double> scale_a(m * blocks), scale_b(n * blocks);
  auto scales = [&](std::vector<double>& values, uint32_t rows, uint32_t id, uint32_t offset) {
    for (uint32_t i = 0; i < rows; ++i)
      for (uint32_t k = 0; k < blocks; ++k) {
        const int e = int(random.below(5)) - 2;
        values[i * blocks + k] = std::ldexp(1.0, e);
        ib[8192 + offset + i % 32 * 16 + i / 32 * 4 + id + k] =
            uint8_t(ue8m0 ? 127 + e : (7 + e) << 3);
      }
  };
  scales(scale_a, m, id_a, 0), scales(scale_b, n, id_b, 512);
  const uint32_t code = four ? 1u << 7 | 1u << 10 : 0;
  const uint32_t id =
      id_b << 4 | code | n / 8 << 17 | uint32_t(ue8m0) << 23 | m / 16 << 24 | id_a << 29;
  const std::string form =
      std::string("tcgen05.mma.cta_group::1.kind::") + kind + ".block_scale" + vector;
  // rows of 16 bytes, eight of them 128 bytes apart from the next eight
  const uint64_t sa = uint64_t((17408 + 8192) >> 4) | uint64_t(8) << 32 | uint64_t(1) << 46;
  const std::string text =
      body("",
           "mov.u32 %id, " + std::to_string(id) +
               ";\nadd.u32 %c, %m, 128;\nadd.u32 %y, %m, 132;\nmov.u64 %q, " + std::to_string(sa) +
               ";\ntcgen05.cp.cta_group::1.32x128b.warpx4 [%c], %q;\nadd.u64 %q, %q, 32;\n"
               "tcgen05.cp.cta_group::1.32x128b.warpx4 [%y], %q;\nsetp.ne.u32 p, 0, 0;\n" +
               form + " [%m], %da, %db, %id, [%c], [%y], p;\n",
           int(n), false);
  const Outcome r = run(text, ia, ib, descriptor(kSwizzle32, 1024, m, 1, true),
                        descriptor(kSwizzle32, 17408, n, 1, true), int(n), s);
  EXPECT_EQ(r.findings, "");
  for (uint32_t i = 0; i < m; ++i)
    for (uint32_t j = 0; j < n; ++j) {
      double expected = 0;
      for (uint32_t k = 0; k < depth; ++k)
        expected += a[i * depth + k] * b[j * depth + k] * scale_a[i * blocks + k / block] *
                    scale_b[j * blocks + k / block];
      ASSERT_EQ(number(r.out[i * n + j], 1), expected) << form << " " << i << ", " << j;
    }
}
TEST(Tcgen05, Scaled) {
  for (Schedule s : {Schedule::eager, Schedule::lazy}) {
    scaled("mxf8f6f4", "", 32, true, 0, 0, s);
    scaled("mxf8f6f4", ".scale_vec::1X", 32, true, 2, 3, s);
    scaled("mxf4", ".scale_vec::2X", 32, true, 2, 0, s);
    scaled("mxf4nvf4", ".scale_vec::4X", 16, false, 0, 0, s);
    scaled("mxf4nvf4", ".block16", 16, true, 0, 0, s);
    scaled("mxf4nvf4", ".scale_vec::2X", 32, true, 0, 2, s);
  }
}

// Fills 16 columns through 32x32b, so that lane l of column c holds 1000 c + l, and reads them back
// in another shape.
TEST(Tcgen05, Shapes) {
  struct Row {
    const char* shape;
    int registers;
    // lane and column of register r of lane l
    std::pair<int, int> (*at)(int l, int r);
  };
  const Row rows[] = {
      {"32x32b.x4", 4, [](int l, int r) { return std::pair(l, r); }},
      {"16x64b.x2", 2,
       [](int l, int r) { return std::pair(l / 4 + (l & 2 ? 8 : 0), 2 * r + l % 2); }},
      {"16x128b.x2", 4,
       [](int l, int r) { return std::pair(l / 4 + 8 * (r & 1), r / 2 * 4 + l % 4); }},
      {"16x256b.x2", 8,
       [](int l, int r) {
         return std::pair(l / 4 + (r & 2 ? 8 : 0), r / 4 * 8 + l % 4 * 2 + (r & 1));
       }},
      {"16x32bx2.x2", 2, [](int l, int r) { return std::pair(l % 16, r + (l < 16 ? 0 : 5)); }}};
  for (const Row& row : rows)
    for (Schedule s : {Schedule::eager, Schedule::lazy}) {
      std::string fill = "shl.b32 %y, %w, 21;\nadd.u32 %y, %y, %m;\n.reg .b32 e<16>;\n";
      for (int c = 0; c < 16; ++c)
        fill += "add.u32 e" + std::to_string(c) + ", %t, " + std::to_string(1000 * c) + ";\n";
      fill += "tcgen05.st.sync.aligned.32x32b.x16.b32 [%y], " + names("e", 16) +
              ";\ntcgen05.wait::st.sync.aligned;\n";
      std::string text = body(fill, "", row.registers, false);
      const std::string whole = "tcgen05.ld.sync.aligned.32x32b.x" + std::to_string(row.registers) +
                                ".b32 " + names("d", row.registers) + ", [%y]";
      text.replace(text.find(whole), whole.size(),
                   std::string("tcgen05.ld.sync.aligned.") + row.shape + ".b32 " +
                       names("d", row.registers) + ", [%y]" +
                       (std::string(row.shape).find("bx2") != std::string::npos ? ", 5" : ""));
      const std::vector<uint8_t> none(kImage);
      const Outcome r = run(text, none, none, 0, 0, row.registers, s);
      EXPECT_EQ(r.findings, "");
      for (int t = 0; t < 128; ++t)
        for (int k = 0; k < row.registers; ++k) {
          const auto [lane, column] = row.at(t % 32, k);
          ASSERT_EQ(r.out[size_t(t * row.registers + k)],
                    uint32_t(1000 * column + lane + t / 32 * 32))
              << row.shape;
        }
    }
}

TEST(Tcgen05, Discipline) {
  const std::vector<uint8_t> none(kImage);
  const std::string id = "mov.u32 %id, " +
                         std::to_string(instruction(128, 16, 0, 0, 1, false, false)) +
                         ";\nsetp.ne.u32 p, 0, 0;\n";
  const std::string one = id + "tcgen05.mma.cta_group::1.kind::f16 [%m], %da, %db, %id, p;\n";
  auto findings = [&](const std::string& what, const std::string& by, const std::string& multiply) {
    std::string text = body("", multiply, 16, false);
    if (!what.empty()) text.replace(text.find(what), what.size(), by);
    Gpu gpu;
    const uint64_t out = gpu.put(std::vector<uint32_t>(4096));
    gpu.run(module_of(kParams, text),
            {gpu.put(none), gpu.put(none), out, descriptor(kSwizzle32, 1024, 128, 2, true),
             descriptor(kSwizzle32, 17408, 16, 2, true)},
            {1}, {128});
    std::string all;
    for (const Finding& f : gpu.report.findings()) all += to_text(f);
    return all;
  };
  auto has = [](const std::string& all, const char* part) { return all.find(part) != all.npos; };
  EXPECT_EQ(findings("", "", one), "");
  EXPECT_TRUE(has(findings("tcgen05.wait::ld.sync.aligned;", "", one),
                  "reads a register that asynchronous work"));
  EXPECT_TRUE(has(findings("fence.proxy.async;", "", one), "missing proxy fence"));
  EXPECT_TRUE(has(findings("tcgen05.dealloc.cta_group::1.sync.aligned.b32 %m, 256;", "", one),
                  "leak: the block exits with 256 columns"));
  EXPECT_TRUE(has(findings("[at], 256", "[at], 96", one), "allowed are powers of two"));
  EXPECT_TRUE(has(findings("[%m], %da", "[%m+250], %da", one), "column 256 is not allocated"));
  EXPECT_TRUE(
      has(findings("shl.b32 %y, %w, 21", "shl.b32 %y, %w, 20", one), "reaches lanes 32 to 63"));
  // a commit that comes before the product does not wait for it
  EXPECT_TRUE(has(findings("WAIT: mbarrier", "@p bra WAIT;\n" + one + "WAIT: mbarrier", ""),
                  "after a write by asynchronous work"));
}

}  // namespace
}  // namespace ptxrun
