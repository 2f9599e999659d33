#include <gtest/gtest.h>

#include <vector>

#include "nibble/base/op.h"
#include "nibble/base/random.h"

namespace nibble {
namespace {

// Known answers of Random123's kat_vectors for philox4x32-10.
TEST(Random, PhiloxMatchesItsPublishedVectors) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Isa, NamesAndLimits) {
  EXPECT_EQ(to_string(Isa::portable), "portable");
  EXPECT_EQ(to_string(Isa::avx512 | Isa::vnni), "avx2+avx512+vnni");
  EXPECT_EQ(to_string(Isa::avx_vnni), "avx2+avx_vnni");
  EXPECT_EQ(to_string(Isa::avx512 | Isa::avx_vnni), "avx2+avx_vnni+avx512");
  IsaSet s;
  ASSERT_TRUE(parse_isa_limit("avx2", s));
  EXPECT_TRUE(s.contains(Isa::avx2));
  EXPECT_FALSE(s.contains(Isa::avx512));
  EXPECT_FALSE(s.contains(Isa::avx_vnni));
  ASSERT_TRUE(parse_isa_limit("avx_vnni", s));
  EXPECT_TRUE(s.contains(Isa::avx2 | Isa::avx_vnni));
  EXPECT_FALSE(s.contains(Isa::avx512));
  EXPECT_FALSE(s.contains(Isa::vnni));
  ASSERT_TRUE(parse_isa_limit("avx512", s));
  EXPECT_TRUE(s.contains(Isa::avx512 | Isa::avx_vnni));
  EXPECT_FALSE(parse_isa_limit("avx3", s));
}

struct TwiceArgs {
  int n = 0;
};
int last_run = -1;
struct Twice {
  using Args = TwiceArgs;
  static constexpr std::string_view name = "twice";
  static Status check(const Args& a) { return a.n > 0 ? Status() : Status::error("n must be > 0"); }
  static void buffers(Args&, BufferVisitor&) {}
  static void reference(const Args&) {}
  static std::span<const Variant<Args>> variants() {
    static constexpr Variant<Args> table[] = {
        {.name = "avx512",
         .needs = Isa::avx512,
         .takes = [](const Args& a) -> std::string_view {
           return a.n % 16 == 0 ? "" : "n is not a multiple of 16";
         },
         .cost =
             [](const Args& a, const Machine& m) {
               return m.uarch == MicroArch::zen3 ? 9.0 * a.n : 1.0 * a.n;
             },
         .run = [](const Args&, const Exec&) { last_run = 0; }},
        {.name = "portable",
         .needs = Isa::portable,
         .cost = [](const Args& a, const Machine&) { return 4.0 * a.n; },
         .run = [](const Args&, const Exec&) { last_run = 1; }},
    };
    return table;
  }
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args&) { return {}; }
};

constexpr Proof kBoth[] = {{"twice", "avx512", Level::proven, "x"},
                           {"twice", "portable", Level::executed, "x"}};

std::string_view chosen(int n, const Machine& m, std::span<const Proof> proofs) {
  const TwiceArgs a{n};
  const auto* v = select<Twice>(a, m, proofs);
  return v ? v->name : "none";
}

TEST(Select, TakesTheLeastCostAmongThoseThatCanRunHere) {
  Machine server, laptop, odd;
  server.isas = Isa::avx512;
  odd.isas = Isa::avx512, odd.uarch = MicroArch::zen3;
  EXPECT_EQ(chosen(16, server, kBoth), "avx512");
  EXPECT_EQ(chosen(16, laptop, kBoth), "portable");
  EXPECT_EQ(chosen(17, server, kBoth), "portable");  // takes() refuses
  EXPECT_EQ(chosen(16, odd, kBoth), "portable");     // cost, not order
}

TEST(Select, NeverTakesAVariantThatWasNeverExecuted) {
  Machine server;
  server.isas = Isa::avx512;
  constexpr Proof emulated[] = {{"twice", "avx512", Level::emulated, "qemu"},
                                {"twice", "portable", Level::executed, "x"}};
  EXPECT_EQ(chosen(16, server, emulated), "portable");
  EXPECT_EQ(chosen(16, server, {}), "none");
  const std::string why = no_match<Twice>({16}, Machine{}, {});
  EXPECT_NE(why.find("avx512 (the machine lacks avx2+avx512)"), std::string::npos) << why;
  EXPECT_NE(why.find("portable (never proven"), std::string::npos) << why;
}

TEST(ParallelFor, PiecesDependOnSizeAloneAndCoverTheRange) {
  std::vector<std::pair<int64_t, int64_t>> pieces;
  parallel_for(nullptr, 10, 4, [&](int64_t b, int64_t e) { pieces.emplace_back(b, e); });
  EXPECT_EQ(pieces, (std::vector<std::pair<int64_t, int64_t>>{{0, 4}, {4, 8}, {8, 10}}));
  parallel_for(nullptr, 0, 4, [&](int64_t, int64_t) { FAIL(); });
}

}  // namespace
}  // namespace nibble
