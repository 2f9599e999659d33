// Matrix instructions: each is given two matrices in the layout that the PTX manual draws, and its
// result compared with a plain product. And asynchronous copies.
#include <gtest/gtest.h>

#include <cmath>

#include "kernel.h"

namespace ptxrun {
namespace {

struct Element {
  const char* name;
  int bits;
  double (*value)(uint32_t);
};
double from_half(uint32_t h) {
  const int e = h >> 10 & 31;
  const double v =
      e ? std::ldexp(1 + (h & 1023) / 1024.0, e - 15) : std::ldexp((h & 1023) / 1024.0, -14);
  return h & 0x8000 ? -v : v;
}
double from_e4m3(uint32_t b) {
  const int e = b >> 3 & 15;
  const double v = e ? std::ldexp(1 + (b & 7) / 8.0, e - 7) : std::ldexp((b & 7) / 8.0, -6);
  return b & 128 ? -v : v;
}
double from_e5m2(uint32_t b) {
  const int e = b >> 2 & 31;
  const double v = e ? std::ldexp(1 + (b & 3) / 4.0, e - 15) : std::ldexp((b & 3) / 4.0, -14);
  return b & 128 ? -v : v;
}
const Element kF16{"f16", 16, from_half};
const Element kBf16{"bf16", 16, [](uint32_t v) { return double(std::bit_cast<float>(v << 16)); }};
const Element kTf32{"tf32", 32, [](uint32_t v) { return double(std::bit_cast<float>(v)); }};
const Element kE4m3{"e4m3", 8, from_e4m3};
const Element kE5m2{"e5m2", 8, from_e5m2};
const Element kS8{"s8", 8, [](uint32_t v) { return double(int8_t(v)); }};
const Element kU8{"u8", 8, [](uint32_t v) { return double(v & 255); }};
const Element kS4{"s4", 4, [](uint32_t v) { return double(int(v & 15) - (v & 8 ? 16 : 0)); }};
const Element kU4{"u4", 4, [](uint32_t v) { return double(v & 15); }};

uint32_t half_of(float f) {  // exact: f is a half
  const uint32_t b = std::bit_cast<uint32_t>(f);
  return f == 0 ? 0 : (b >> 16 & 0x8000) | (((b >> 23 & 255) - 112) << 10) | (b >> 13 & 1023);
}
// A number of a format: small enough that sums stay exact in float.
uint32_t draw(const Element& e, Random& r) {
  if (e.bits == 32) return std::bit_cast<uint32_t>(float(int(r.below(65)) - 32) / 8);
  if (e.bits == 16) {
    const float f = float(int(r.below(65)) - 32) / 8;
    return e.name[0] == 'b' ? std::bit_cast<uint32_t>(f) >> 16 : half_of(f);
  }
  if (e.name[0] == 'e') return uint32_t(r.below(2) << 7 | (0x28 + r.below(0x20)));
  return uint32_t(r.below(1u << e.bits));
}

std::string list(const char* name, int count) {
  std::string s = "{";
  for (int k = 0; k < count; ++k) s += (k ? ", " : "") + std::string(name) + std::to_string(k);
  return s + "}";
}

// One warp; memory holds the registers, register r of lane l at word 32 * r + l.
std::vector<uint32_t> warp(const std::string& instruction, int outputs, int inputs,
                           const std::vector<uint32_t>& in, const std::string& before = "") {
  std::string body =
      ".reg .b32 %t, r<32>, o<32>;\n.reg .b64 %i, %o;\nmov.u32 %t, %tid.x;\nld.param.u64 %i, "
      "[in];\n"
      "ld.param.u64 %o, [out];\nmad.wide.u32 %i, %t, 4, %i;\nmad.wide.u32 %o, %t, 4, %o;\n" +
      before;
  for (int k = 0; k < inputs; ++k)
    body += "ld.global.u32 r" + std::to_string(k) + ", [%i+" + std::to_string(128 * k) + "];\n";
  body += instruction + "\n";
  for (int k = 0; k < outputs; ++k)
    body += "st.global.u32 [%o+" + std::to_string(128 * k) + "], o" + std::to_string(k) + ";\n";
  Gpu gpu;
  const uint64_t out = gpu.put(std::vector<uint32_t>(size_t(32 * outputs)));
  EXPECT_TRUE(gpu.run(module_of(".param .u64 in, .param .u64 out", body + "ret;"),
                      {gpu.put(in), out}, {1}, {32}))
      << instruction;
  EXPECT_TRUE(gpu.report.empty());
  return gpu.get<uint32_t>(out, size_t(32 * outputs));
}

// Writes `bits` of `v` as element k of the registers that start at word `at` of lane l.
void put(std::vector<uint32_t>& in, int first, int lane, int k, int bits, uint32_t v) {
  const int per = 32 / bits;
  uint32_t& word = in[size_t(32 * (first + k / per) + lane)];
  word |= (bits == 32 ? v : v & ((1u << bits) - 1)) << bits * (k % per);
}

void multiply(int depth, const Element& ea, const Element& eb, const char* accumulator) {
  Random r(uint64_t(depth) * 7 + uint64_t(ea.bits));
  std::vector<uint32_t> a(size_t(16 * depth)), b(size_t(depth * 8));
  for (auto& v : a) v = draw(ea, r);
  for (auto& v : b) v = draw(eb, r);
  const bool half = accumulator[1] == '1', whole = accumulator[0] == 's';
  const int na = 16 * depth * ea.bits / 1024, nb = 8 * depth * eb.bits / 1024, nc = half ? 2 : 4;
  std::vector<uint32_t> in(size_t(32 * (na + nb + nc)));
  double c[16][8];
  const int per = 32 / ea.bits, block = 4 * per;  // columns of A that one pair of registers covers
  for (int l = 0; l < 32; ++l) {
    for (int row = 0; row < 16; ++row)
      for (int k = 0; k < depth; ++k)
        if (row % 8 == l / 4 && k % block / per == l % 4)
          put(in, 0, l, (k / block * 2 + row / 8) * per + k % per, ea.bits,
              a[size_t(row * depth + k)]);
    for (int col = 0; col < 8; ++col)
      for (int k = 0; k < depth; ++k)
        if (col == l / 4 && k % block / per == l % 4)
          put(in, na, l, k / block * per + k % per, eb.bits, b[size_t(k * 8 + col)]);
    for (int row = 0; row < 16; ++row)
      for (int col = 0; col < 8; ++col) {
        if (row % 8 != l / 4 || col / 2 != l % 4) continue;
        const int v = (row * 8 + col) % 17 - 8;
        c[row][col] = v;
        const uint32_t single = std::bit_cast<uint32_t>(float(v));
        const uint32_t bits = whole ? uint32_t(v) : half ? half_of(float(v)) : single;
        put(in, na + nb, l, row / 8 * 2 + col % 2, half ? 16 : 32, bits);
      }
  }
  auto group = [&](int first, int count) {
    std::string s = "{";
    for (int k = 0; k < count; ++k) s += (k ? ", r" : "r") + std::to_string(first + k);
    return s + "}";
  };
  const std::string text = std::string("mma.sync.aligned.m16n8k") + std::to_string(depth) +
                           ".row.col." + accumulator + "." + ea.name + "." + eb.name + "." +
                           accumulator + " " + list("o", nc) + ", " + group(0, na) + ", " +
                           group(na, nb) + ", " + group(na + nb, nc) + ";";
  const auto out = warp(text, nc, na + nb + nc, in);
  for (int l = 0; l < 32; ++l)
    for (int row = l / 4; row < 16; row += 8)
      for (int col = l % 4 * 2; col < l % 4 * 2 + 2; ++col) {
        double expected = c[row][col];
        for (int k = 0; k < depth; ++k)
          expected += ea.value(a[size_t(row * depth + k)]) * eb.value(b[size_t(k * 8 + col)]);
        const int e = row / 8 * 2 + col % 2;
        const uint32_t word = out[size_t(32 * (half ? e / 2 : e) + l)];
        const double got = whole  ? int32_t(word)
                           : half ? from_half(word >> 16 * (e % 2) & 0xffff)
                                  : double(std::bit_cast<float>(word));
        // the last place of a half; float sums of these numbers are exact
        ASSERT_LE(std::fabs(got - expected), half ? std::fabs(expected) / 2048 : 0) << text;
      }
}

TEST(Mma, Floats) {
  multiply(16, kF16, kF16, "f32"), multiply(8, kF16, kF16, "f32"), multiply(16, kF16, kF16, "f16");
  multiply(16, kBf16, kBf16, "f32"), multiply(8, kBf16, kBf16, "f32");
  multiply(8, kTf32, kTf32, "f32"), multiply(4, kTf32, kTf32, "f32");
  multiply(32, kE4m3, kE4m3, "f32"), multiply(32, kE4m3, kE5m2, "f32"),
      multiply(32, kE5m2, kE4m3, "f32");
}
TEST(Mma, Integers) {
  multiply(16, kS8, kS8, "s32"), multiply(32, kS8, kS8, "s32"), multiply(32, kU8, kS8, "s32"),
      multiply(32, kS8, kU8, "s32");
  multiply(32, kU8, kU8, "s32"), multiply(32, kS4, kU4, "s32"), multiply(64, kU4, kS4, "s32"),
      multiply(64, kS4, kS4, "s32");
}

TEST(Matrix, LoadsAndStores) {
  // Shared memory holds half k of the value k; row i of matrix m starts at half 64 * m + 8 * i.
  const std::string fill =
      ".shared .align 16 .b8 s[512];\n.reg .b32 %s, %p, %q;\nmov.u32 %s, s;\n"
      "mul.lo.u32 %p, %t, 0x00080008;\nadd.u32 %p, %p, 0x00010000;\nmad.lo.u32 %q, %t, 16, %s;\n"
      "st.shared.u32 [%q], %p;\nadd.u32 %p, %p, 0x00020002;\nst.shared.u32 [%q+4], %p;\nadd.u32 "
      "%p, %p, 0x00020002;\n"
      "st.shared.u32 [%q+8], %p;\nadd.u32 %p, %p, 0x00020002;\nst.shared.u32 [%q+12], "
      "%p;\nbar.warp.sync -1;\n";
  const auto plain =
      warp(fill + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {o0, o1, o2, o3}, [%q];", 4, 0, {0});
  const auto turned = warp(
      fill + "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {o0, o1, o2, o3}, [%q];", 4, 0, {0});
  const auto moved = warp(fill +
                              "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {o1}, "
                              "[%q];\nmovmatrix.sync.aligned.m8n8.trans.b16 o0, o1;",
                          1, 0, {0});
  const auto stored =
      warp(fill +
               "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {o0, o1}, [%q];\nbar.warp.sync -1;\n"
               "stmatrix.sync.aligned.m8n8.x2.shared.b16 [%q], {o0, o1};\nbar.warp.sync "
               "-1;\nmad.lo.u32 %p, %t, 4, %s;\nld.shared.u32 o0, [%p];",
           1, 0, {0});
  for (uint32_t l = 0; l < 32; ++l)
    for (uint32_t m = 0; m < 4; ++m)
      for (uint32_t e = 0; e < 2; ++e) {
        const uint32_t row = l / 4, col = 2 * (l % 4) + e;
        EXPECT_EQ(plain[32 * m + l] >> 16 * e & 0xffff, 64 * m + 8 * row + col);
        EXPECT_EQ(turned[32 * m + l] >> 16 * e & 0xffff, 64 * m + 8 * col + row);
        if (m > 0) continue;
        EXPECT_EQ(moved[l] >> 16 * e & 0xffff, 8 * col + row);
        EXPECT_EQ(stored[l] >> 16 * e & 0xffff, 8 * col + row);  // word l is (l / 4, 2 (l % 4))
      }
}

// Word k of 512 bytes of shared memory is k times an odd number, and so bytes are what that says.
TEST(Matrix, LoadsOfBytesAndLess) {
  std::string fill =
      ".shared .align 16 .b8 s[512];\n.reg .b32 %s, %p, %q;\nmov.u32 %s, s;\n"
      "mad.lo.u32 %q, %t, 16, %s;\n";
  for (int i = 0; i < 4; ++i)
    fill += "mad.lo.u32 %p, %t, 4, " + std::to_string(i) +
            ";\nmul.lo.u32 %p, %p, 0x9e3779b1;\nst.shared.u32 [%q+" + std::to_string(4 * i) +
            "], %p;\n";
  fill += "bar.warp.sync -1;\n";
  const auto byte = [](uint32_t at) { return at / 4 * 0x9e3779b1u >> 8 * (at % 4) & 255; };
  struct Form {
    const char *name, *type;
    uint32_t rows, count, bits;
  };
  for (const Form& f :
       {Form{"m16n16.x1.trans", "b8", 16, 1, 8}, Form{"m16n16.x2.trans", "b8", 16, 2, 8},
        Form{"m16n16.x2.trans", "b8x16.b4x16_p64", 16, 2, 4},
        Form{"m16n16.x1.trans", "b8x16.b6x16_p32", 16, 1, 6},
        Form{"m8n16.x1", "b8x16.b6x16_p32", 8, 1, 6}, Form{"m8n16.x2", "b8x16.b4x16_p64", 8, 2, 4},
        Form{"m8n16.x4", "b8x16.b6x16_p32", 8, 4, 6}}) {
    const uint32_t n = f.count * f.rows / 8;
    std::string registers;
    for (uint32_t k = 0; k < n; ++k) registers += (k ? ", o" : "o") + std::to_string(k);
    const auto got = warp(fill + "ldmatrix.sync.aligned." + f.name + ".shared." + f.type + " {" +
                              registers + "}, [%q];",
                          int(n), 0, {0});
    // Bit by bit: bit b of element c of a row is bit c * bits + b of its 16 bytes.
    for (uint32_t l = 0; l < 32; ++l)
      for (uint32_t k = 0; k < n; ++k)
        for (uint32_t e = 0; e < 4; ++e) {
          const uint32_t matrix = f.rows == 16 ? k / 2 : k;
          uint32_t row = l / 4 + (f.rows == 16 ? 8 * (k % 2) : 0), col = 4 * (l % 4) + e;
          if (f.rows == 16) std::swap(row, col);
          uint32_t want = 0;
          for (uint32_t b = 0; b < f.bits; ++b) {
            const uint32_t bit = col * f.bits + b;
            want |= (byte(16 * (matrix * f.rows + row) + bit / 8) >> bit % 8 & 1) << b;
          }
          ASSERT_EQ(got[32 * k + l] >> 8 * e & 255, want) << f.name << " " << f.type << " " << l;
        }
  }
}

// ---- cp.async ----

struct Copied {
  std::vector<uint32_t> out;
  std::vector<Finding> findings;
};
Copied copies(const std::string& body, Schedule schedule) {
  const std::string text = module_of(".param .u64 in, .param .u64 out",
                                     ".reg .b32 %t, %v, %s, %n;\n.reg .b64 %i, %o;\n.reg .pred "
                                     "%p;\n.shared .align 16 .b8 s[2048];\nmov.u32 %t, %tid.x;\n"
                                     "ld.param.u64 %i, [in];\nld.param.u64 %o, [out];\nmov.u32 %s, "
                                     "s;\nmad.lo.u32 %s, %t, 16, %s;\n"
                                     "mad.wide.u32 %i, %t, 16, %i;\nmad.wide.u32 %o, %t, 4, %o;\n" +
                                         body + "\nst.global.u32 [%o], %v;\nret;");
  Gpu gpu;
  gpu.options.schedule = schedule;
  std::vector<uint32_t> in(512);
  for (uint32_t k = 0; k < 512; ++k) in[k] = k + 1;
  const uint64_t out = gpu.put(std::vector<uint32_t>(64));
  EXPECT_TRUE(gpu.run(text, {gpu.put(in), out}, {1}, {64}));
  return {gpu.get<uint32_t>(out, 64), gpu.report.findings()};
}
TEST(Copies, ArriveWhenWaitedFor) {
  const std::string two =
      "cp.async.cg.shared.global [%s], [%i], 16;\ncp.async.commit_group;\n"
      "cp.async.ca.shared.global [%s+1024], [%i+4], 4, 0;\ncp.async.commit_group;\n";
  for (Schedule s : {Schedule::eager, Schedule::lazy, Schedule::random}) {
    const auto first = copies(two + "cp.async.wait_group 1;\nld.shared.u32 %v, [%s+8];", s);
    const auto second = copies(two + "cp.async.wait_group 0;\nld.shared.u32 %v, [%s+1024];", s);
    const auto other = copies(two +
                                  "cp.async.wait_all;\nbar.sync 0;\nxor.b32 %n, %t, 63;\nmov.u32 "
                                  "%s, s;\nmad.lo.u32 %s, %n, 16, %s;\nld.shared.u32 %v, [%s];",
                              s);
    const auto part = copies(
        "cp.async.ca.shared.global [%s], [%i], 8, 4;\ncp.async.wait_all;\nld.shared.u32 %v, "
        "[%s+4];\nld.shared.u32 %n, [%s];\nadd.u32 %v, %v, %n;",
        s);
    for (uint32_t t = 0; t < 64; ++t) {
      EXPECT_EQ(first.out[t], 4 * t + 3);
      EXPECT_EQ(second.out[t], 0u);  // a source of no bytes: zeros
      EXPECT_EQ(other.out[t], 4 * (63 - t) + 1);
      EXPECT_EQ(part.out[t], 4 * t + 1);
    }
    EXPECT_TRUE(first.findings.empty() && second.findings.empty() && other.findings.empty() &&
                part.findings.empty());
  }
}
TEST(Copies, MustBeWaitedFor) {
  auto race = [](const Copied& c, const char* part) {
    for (const Finding& f : c.findings)
      if (f.kind == FaultKind::race && f.what.find(part) != f.what.npos) return true;
    return false;
  };
  const std::string copy = "cp.async.cg.shared.global [%s], [%i], 16;\ncp.async.commit_group;\n";
  EXPECT_TRUE(race(copies(copy + "ld.shared.u32 %v, [%s];", Schedule::eager),
                   "read of bytes that an asynchronous copy"));
  EXPECT_TRUE(
      race(copies(copy + "cp.async.wait_group 1;\nld.shared.u32 %v, [%s];", Schedule::eager),
           "asynchronous copy"));
  EXPECT_TRUE(race(copies(copy + "st.shared.u32 [%s], 1;", Schedule::eager),
                   "write to bytes that an asynchronous copy"));
  // Waiting is not enough for the neighbour's bytes: it takes a barrier as well.
  EXPECT_TRUE(race(copies(copy + "cp.async.wait_group 0;\nxor.b32 %n, %t, 32;\nmov.u32 %s, "
                                 "s;\nmad.lo.u32 %s, %n, 16, %s;\nld.shared.u32 %v, [%s];",
                          Schedule::eager),
                   "read"));
  // A late copy shows in the result too.
  EXPECT_NE(copies(copy + "ld.shared.u32 %v, [%s];", Schedule::lazy).out[5], 21u);
}

}  // namespace
}  // namespace ptxrun
