// mma.sync with scales and mixed narrow formats, against plain sums.
#include <gtest/gtest.h>

#include <cmath>

#include "kernel.h"

namespace ptxrun {
namespace {

// A number of `bits` = sign, exponent, mantissa with the bias 2^(e-1) - 1, of finite values alone.
double number(uint32_t v, int e, int m) {
  const int exponent = int(v >> m) & ((1 << e) - 1), bias = (1 << (e - 1)) - 1;
  const double fraction = double(v & ((1u << m) - 1)) / (1 << m);
  const double magnitude =
      exponent ? std::ldexp(1 + fraction, exponent - bias) : std::ldexp(fraction, 1 - bias);
  return v >> (e + m) & 1 ? -magnitude : magnitude;
}
struct Narrow {
  const char* name;
  int e, m;
  int shift;  // in its byte
};
constexpr Narrow kE2m1{"e2m1", 2, 1, 2}, kE2m3{"e2m3", 2, 3, 0}, kE3m2{"e3m2", 3, 2, 0},
    kE4m3{"e4m3", 4, 3, 0}, kE5m2{"e5m2", 5, 2, 0};

// One warp; input word 32 r + l is register r of lane l: A 0-3, B 4-5, C 6-9, scales 10, 11.
std::vector<float> warp(const std::string& instruction, const std::vector<uint32_t>& in) {
  std::string body =
      ".reg .b32 %t, r<12>, o<4>;\n.reg .b64 %i, %o;\nmov.u32 %t, %tid.x;\nld.param.u64 %i, "
      "[in];\nld.param.u64 %o, "
      "[out];\nmad.wide.u32 %i, %t, 4, %i;\nmad.wide.u32 %o, %t, 4, %o;\n";
  for (int k = 0; k < 12; ++k)
    body += "ld.global.u32 r" + std::to_string(k) + ", [%i+" + std::to_string(128 * k) + "];\n";
  body += instruction;
  for (int k = 0; k < 4; ++k)
    body += "st.global.u32 [%o+" + std::to_string(128 * k) + "], o" + std::to_string(k) + ";\n";
  Gpu gpu;
  const uint64_t out = gpu.put(std::vector<float>(128));
  EXPECT_TRUE(gpu.run(module_of(".param .u64 in, .param .u64 out", body + "ret;"),
                      {gpu.put(in), out}, {1}, {32}));
  return gpu.get<float>(out, 128);
}

// `block` elements have a scale, 0: none. Selectors: byte and thread of A, of B.
void multiply(const std::string& kind, const Narrow& ta, const Narrow& tb, int block, bool ue8m0,
              std::array<int, 4> select) {
  const bool four = kind.find("mxf4") == 0;
  const int depth = four ? 64 : 32, per = four ? 8 : 4, bits = 32 / per;
  Random random(77);
  std::vector<uint32_t> in(12 * 32);
  std::vector<double> a(size_t(16 * depth)), b(size_t(8 * depth)), c(128);
  auto draw = [&](const Narrow& t) {  // not the exponents that hold infinities
    return uint32_t(random.below(1u << (t.e + t.m + 1))) & ~(t.e > 3 ? 1u << (t.e + t.m - 1) : 0u);
  };
  auto code = [&](uint32_t v, const Narrow& t) { return four ? v : v << t.shift; };
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < depth; ++k) {
      const uint32_t v = draw(ta);
      a[size_t(row * depth + k)] = number(v, ta.e, ta.m);
      const int r = k / (4 * per) * 2 + row / 8, lane = row % 8 * 4 + k / per % 4;
      in[size_t(32 * r + lane)] |= code(v, ta) << bits * (k % per);
    }
  for (int column = 0; column < 8; ++column)
    for (int k = 0; k < depth; ++k) {
      const uint32_t v = draw(tb);
      b[size_t(column * depth + k)] = number(v, tb.e, tb.m);
      in[size_t(32 * (4 + k / (4 * per)) + column * 4 + k / per % 4)] |= code(v, tb)
                                                                         << bits * (k % per);
    }
  for (int i = 0; i < 128; ++i) {
    c[size_t(i)] = i - 60;
    in[size_t(32 * (6 + i / 8 / 8 * 2 + i % 2) + i / 8 % 8 * 4 + i % 8 / 2)] =
        std::bit_cast<uint32_t>(float(i - 60));
  }
  const int blocks = block ? depth / block : 1;
  std::vector<double> sa(size_t(16 * blocks), 1), sb(size_t(8 * blocks), 1);
  auto scale = [&](double& value, size_t word, int byte) {
    const int e = int(random.below(5)) - 2;
    value = std::ldexp(1.0, e);
    in[word] |= uint32_t(ue8m0 ? 127 + e : (7 + e) << 3) << 8 * byte;
  };
  for (int k = 0; block && k < blocks; ++k) {
    for (int row = 0; row < 16; ++row)
      scale(sa[size_t(row * blocks + k)], size_t(320 + row % 8 * 4 + 2 * select[1] + row / 8),
            select[0] + k);
    for (int column = 0; column < 8; ++column)
      scale(sb[size_t(column * blocks + k)], size_t(352 + column * 4 + select[3]), select[2] + k);
  }
  std::string text = "mma.sync.aligned.m16n8k" + std::to_string(depth) + ".row.col.kind::" + kind +
                     ".f32." + ta.name + "." + tb.name + ".f32";
  if (block) text += ue8m0 ? ".ue8m0" : ".ue4m3";
  text += " {o0, o1, o2, o3}, {r0, r1, r2, r3}, {r4, r5}, {r6, r7, r8, r9}";
  auto pair = [&](int k) {
    return ", {" + std::to_string(select[size_t(k)]) + ", " +
           std::to_string(select[size_t(k + 1)]) + "}";
  };
  if (block) text += ", {r10}" + pair(0) + ", {r11}" + pair(2);
  const auto out = warp(text + ";\n", in);
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      double expected = c[size_t(row * 8 + column)], magnitude = std::fabs(expected);
      for (int k = 0; k < depth; ++k) {
        const double term =
            a[size_t(row * depth + k)] * b[size_t(column * depth + k)] *
            (block ? sa[size_t(row * blocks + k / block)] * sb[size_t(column * blocks + k / block)]
                   : 1);
        expected += term, magnitude += std::fabs(term);
      }
      const float got = out[size_t(32 * (row / 8 * 2 + column % 2) + row % 8 * 4 + column / 2)];
      ASSERT_NEAR(got, expected, magnitude * 0x1p-24) << text << " " << row << ", " << column;
    }
}
TEST(MmaScaled, Fours) {
  multiply("mxf4nvf4.block_scale.scale_vec::4X", kE2m1, kE2m1, 16, false, {0, 0, 0, 0});
  multiply("mxf4nvf4.block_scale.scale_vec::4X", kE2m1, kE2m1, 16, true, {0, 1, 0, 3});
  multiply("mxf4nvf4.block_scale.scale_vec::2X", kE2m1, kE2m1, 32, true, {2, 1, 0, 2});
  multiply("mxf4.block_scale.scale_vec::2X", kE2m1, kE2m1, 32, true, {0, 0, 2, 1});
}
TEST(MmaScaled, Bytes) {
  multiply("mxf8f6f4.block_scale.scale_vec::1X", kE4m3, kE5m2, 32, true, {3, 1, 1, 2});
  multiply("mxf8f6f4.block_scale", kE2m1, kE3m2, 32, true, {0, 0, 0, 0});
  multiply("f8f6f4", kE2m3, kE4m3, 0, true, {});
  multiply("f8f6f4", kE5m2, kE2m1, 0, true, {});
}

}  // namespace
}  // namespace ptxrun
