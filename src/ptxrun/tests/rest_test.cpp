// Instructions that fit nowhere else: state spaces, lanes, classes of floats, and those without an
// effect here.
#include <cmath>

#include "kernel.h"

namespace ptxrun {
namespace {

TEST(Rest, Mad24) {
  const auto [a, b] = pairs(samples<uint32_t>(20, 1), samples<uint32_t>(20, 2));
  std::vector<uint32_t> c(a.size());
  Random r(3);
  for (uint32_t& x : c) x = uint32_t(r.next());
  const auto s = apply<uint32_t>("mad24.lo.s32 %d, %a, %b, %c;", a, b, c);
  const auto u = apply<uint32_t>("mad24.lo.u32 %d, %a, %b, %c;", a, b, c);
  // the low 24 bits of each, as a signed number or not
  auto low = [](uint32_t x, bool is_signed) {
    const int64_t v = x % 0x1000000;
    return is_signed && v >= 0x800000 ? v - 0x1000000 : v;
  };
  for (size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(s[k], uint32_t(low(a[k], true) * low(b[k], true) + c[k])) << a[k] << " " << b[k];
    ASSERT_EQ(u[k], uint32_t(low(a[k], false) * low(b[k], false) + c[k])) << a[k] << " " << b[k];
  }
}

// All signs and exponents, with fractions that are zero, least, greatest, and a half.
std::vector<uint32_t> float_patterns() {
  std::vector<uint32_t> v;
  for (uint32_t top = 0; top < 512; ++top)
    for (uint32_t fraction : {0u, 1u, 0x7fffffu, 0x400000u}) v.push_back(top << 23 | fraction);
  return v;
}
TEST(Rest, ClassesOfFloats) {
  const auto a = float_patterns();
  struct Row {
    const char* name;
    bool (*is)(uint32_t exponent, uint32_t fraction);
  };
  const Row rows[] = {
      {"finite", [](uint32_t e, uint32_t) { return e != 255; }},
      {"infinite", [](uint32_t e, uint32_t f) { return e == 255 && f == 0; }},
      {"number", [](uint32_t e, uint32_t f) { return e != 255 || f == 0; }},
      {"notanumber", [](uint32_t e, uint32_t f) { return e == 255 && f != 0; }},
      {"normal", [](uint32_t e, uint32_t) { return e != 0 && e != 255; }},
      {"subnormal", [](uint32_t e, uint32_t f) { return e == 0 && f != 0; }},
  };
  for (const Row& row : rows) {
    const auto d = apply<uint32_t>(
        std::string("testp.") + row.name + ".f32 p0, %a;\nselp.u32 %d, 1, 0, p0;", a);
    std::vector<uint64_t> wide;  // the same classes in double
    for (uint32_t x : a)
      wide.push_back(uint64_t(x >> 31) << 63 |
                     uint64_t((x >> 23 & 255) == 255 ? 2047 : (x >> 23 & 255)) << 52 |
                     uint64_t(x & 0x7fffff));
    const auto w = apply<uint32_t>(
        std::string("testp.") + row.name + ".f64 p0, %a;\nselp.u32 %d, 1, 0, p0;", wide);
    for (size_t k = 0; k < a.size(); ++k) {
      ASSERT_EQ(d[k], row.is(a[k] >> 23 & 255, a[k] & 0x7fffff)) << row.name << " " << a[k];
      ASSERT_EQ(w[k], d[k]) << row.name << " " << wide[k];
    }
  }
}
TEST(Rest, CopySign) {
  const auto [a, b] = pairs(float_patterns(), std::vector<uint32_t>{0, 0x80000000u, 0x7fc00001u,
                                                                    0xff800000u, 0x3f800000u});
  const auto d = apply<uint32_t>("copysign.f32 %d, %a, %b;", a, b);
  for (size_t k = 0; k < a.size(); ++k)
    ASSERT_EQ(d[k], (a[k] & 0x80000000u) | (b[k] & 0x7fffffffu)) << a[k] << " " << b[k];
}

// One warp; out[lane] and what else the body stores.
std::vector<uint32_t> run_warp(const std::string& body, const std::string& declarations = "",
                               Dim3 grid = {1}, Dim3 cluster = {}, size_t words = 64) {
  Gpu gpu;
  const uint64_t out = gpu.put(std::vector<uint32_t>(words));
  const std::string text =
      module_of(".param .u64 out",
                declarations +
                    ".reg .b32 %t, %v, %w, %x, %c;\n.reg .b64 %o, %q, %g;\n.reg .pred p, q;\n"
                    "mov.u32 %t, %tid.x;\nmov.u32 %c, %ctaid.x;\nld.param.u64 %o, [out];\n"
                    "mad.lo.u32 %w, %c, 32, %t;\nmad.wide.u32 %q, %w, 4, %o;\n" +
                    body + "\nret;");
  EXPECT_TRUE(gpu.run(text, {out}, grid, {32}, 0, cluster)) << body;
  EXPECT_TRUE(gpu.report.empty()) << body;
  return gpu.get<uint32_t>(out, words);
}

TEST(Rest, StateSpaces) {
  // What is stored through a generic address is there in its state space, and both know each other.
  const auto out = run_warp(
      "mov.u64 %g, s;\ncvta.shared.u64 %g, %g;\nmad.wide.u32 %g, %t, 4, %g;\n"
      "mad.lo.u32 %v, %t, 3, 5;\nst.u32 [%g], %v;\n"
      "isspacep.shared p, %g;\nselp.u32 %v, 1, 0, p;\nisspacep.global q, %g;\n"
      "@q or.b32 %v, %v, 2;\nisspacep.local q, %g;\n@q or.b32 %v, %v, 4;\n"
      "isspacep.global p, %o;\n@p or.b32 %v, %v, 8;\nisspacep.shared q, %o;\n"
      "@q or.b32 %v, %v, 16;\n"
      "cvta.to.shared.u64 %g, %g;\ncvt.u32.u64 %x, %g;\nld.shared.u32 %x, [%x];\n"
      "shl.b32 %v, %v, 16;\nor.b32 %v, %v, %x;\nst.global.u32 [%q], %v;",
      ".shared .align 4 .b8 s[128];\n");
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(out[lane], (1u | 8u) << 16 | (3 * lane + 5)) << lane;
}
TEST(Rest, RankOfAnAddress) {
  const auto out = run_warp(
      "mov.u32 %v, s;\nxor.b32 %x, %c, 1;\nmapa.shared::cluster.u32 %v, %v, %x;\n"
      "getctarank.shared::cluster.u32 %v, %v;\nst.global.u32 [%q], %v;",
      ".shared .align 4 .b8 s[4];\n", {2}, {2});
  for (uint32_t i = 0; i < 64; ++i) EXPECT_EQ(out[i], i < 32 ? 1u : 0u);
}
TEST(Rest, TransposedMatrix) {
  // Lane l has elements (l / 4, 2 (l % 4)) and the next of 8 x 8 halves: each holds its place.
  const auto out = run_warp(
      "shr.u32 %v, %t, 2;\nand.b32 %x, %t, 3;\nshl.b32 %v, %v, 3;\nmad.lo.u32 %v, %x, 2, %v;\n"
      "add.u32 %x, %v, 1;\nshl.b32 %x, %x, 16;\nor.b32 %v, %v, %x;\n"
      "movmatrix.sync.aligned.m8n8.trans.b16 %x, %v;\nst.global.u32 [%q], %x;");
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const uint32_t row = lane / 4, column = 2 * (lane % 4);
    EXPECT_EQ(out[lane], (column * 8 + row) | ((column + 1) * 8 + row) << 16) << lane;
  }
}
TEST(Rest, ActiveLanes) {
  const auto out = run_warp(
      "setp.lt.u32 p, %t, 7;\nmov.u32 %v, 0;\n@p bra FEW;\nbra.uni END;\nFEW: activemask.b32 %v;\n"
      "END: bar.warp.sync -1;\nst.global.u32 [%q], %v;");
  for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(out[lane], lane < 7 ? 127u : 0u);
}
TEST(Rest, LanesThatExit) {
  const auto out = run_warp("setp.lt.u32 p, %t, 9;\n@p exit;\nst.global.u32 [%q], 7;");
  for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(out[lane], lane < 9 ? 0u : 7u);
  Gpu gpu;
  EXPECT_FALSE(gpu.run(module_of("",
                                 ".reg .b32 %t;\n.reg .pred p;\nmov.u32 %t, %tid.x;\n"
                                 "setp.eq.u32 p, %t, 3;\n@p trap;\nret;"),
                       {}, {1}, {32}));
  ASSERT_EQ(gpu.report.findings().size(), 1u);
  EXPECT_EQ(gpu.report.findings()[0].kind, FaultKind::trap);
  EXPECT_NE(gpu.report.findings()[0].where.find("thread (3,0,0)"), std::string::npos);
  EXPECT_EQ(gpu.report.findings()[0].text, "@p trap");
}
// Hints of caches, waits for launches that are over, register counts: values stay as they are.
TEST(Rest, WithoutEffect) {
  const auto out = run_warp(
      "st.global.u32 [%q], 3;\nprefetch.global.L2 [%q];\nprefetchu.L1 [%q];\n"
      "applypriority.global.L2::evict_normal [%o], 128;\n"
      "createpolicy.fractional.L2::evict_first.b64 %g, 1.0;\n"
      "griddepcontrol.launch_dependents;\ngriddepcontrol.wait;\n"
      "setmaxnreg.inc.sync.aligned.u32 64;\nsetmaxnreg.dec.sync.aligned.u32 24;\n"
      "nanosleep.u32 20;\npmevent 1;\nldu.global.u32 %v, [%q];\nadd.u32 %v, %v, 1;\n"
      "st.global.L2::cache_hint.u32 [%q], %v, %g;");
  for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(out[lane], 4u);
}

}  // namespace
}  // namespace ptxrun
