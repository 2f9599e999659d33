#include "nibble/harness/memory.h"

#include <gtest/gtest.h>

#include "nibble/harness/fault.h"

namespace nibble::harness {
namespace {

struct Two {
  CaseMemory memory;
  const float* x = nullptr;
  int8_t* y = nullptr;
  explicit Two(Placement p, int count = 100, int align = 4) : memory(p) {
    BufferVisitor& v = memory;
    v.in("x", x, count, align);
    v.out("y", y, count);
  }
};

constexpr Placement kAll[] = {Placement::packed, Placement::flush_end, Placement::flush_begin,
                              Placement::shifted};

uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

TEST(CaseMemory, KeepsTheAlignmentThatIsAskedForAndShiftedNoMore) {
  for (Placement p : kAll)
    for (int align : {4, 16, 64, 4096}) {
      const Two two(p, 100, align);
      EXPECT_EQ(address(two.x) % uintptr_t(align), 0u);
      if (p == Placement::shifted) {
        EXPECT_NE(address(two.x) % uintptr_t(2 * align), 0u);
        EXPECT_EQ(address(two.y) % 2, 1u);
      }
    }
}

TEST(CaseMemory, NoticesAWriteToEitherGuardBand) {
  for (Placement p : kAll)
    for (int at : {-1, 100}) {
      Two two(p);
      EXPECT_EQ(two.memory.broken_guard(), "");
      const bool faults =
          (p == Placement::flush_begin && at < 0) || (p == Placement::flush_end && at > 0);
      const Fault fault = guarded([&] { const_cast<volatile int8_t*>(two.y)[at] = 1; });
      EXPECT_EQ(bool(fault), faults);
      EXPECT_EQ(two.memory.broken_guard(), faults ? "" : "y");
    }
}

TEST(CaseMemory, NamesWhatWasTouched) {
  Two two(Placement::flush_end);
  Fault fault = guarded(
      [&] { [[maybe_unused]] const float v = *const_cast<const volatile float*>(two.x + 100); });
  ASSERT_TRUE(fault);
  EXPECT_FALSE(fault.write);
  EXPECT_EQ(two.memory.describe(fault.address), "0 bytes behind the end of buffer x");

  two.memory.protect_inputs(true);
  fault = guarded([&] { *const_cast<volatile float*>(two.x) = 1; });
  EXPECT_TRUE(fault);
  EXPECT_EQ(two.memory.describe(fault.address), "input buffer x");
  two.memory.protect_inputs(false);
  EXPECT_FALSE(guarded([&] { *const_cast<volatile float*>(two.x) = 1; }));
  EXPECT_EQ(two.memory.describe(&fault), "");
}

TEST(CaseMemory, RestoresEveryCopyFromWhatWasSavedOfOne) {
  CaseMemory memory(Placement::packed);
  BufferVisitor& v = memory;
  int32_t *a = nullptr, *b = nullptr;
  v.inout("a", a, 3);
  a[2] = 7;
  const Contents saved = memory.save();
  v.inout("a", b, 3);
  a[2] = b[2] = 0;
  memory.restore(saved, Role::inout);
  EXPECT_EQ(a[2], 7);
  EXPECT_EQ(b[2], 7);
  EXPECT_EQ(memory.footprint_bytes(), 24);
}

TEST(CaseMemory, SharesTheFirstCopysBuffersAndCountsThemOnce) {
  CaseMemory memory(Placement::packed);
  BufferVisitor& v = memory;
  const int32_t* x[3] = {};
  int8_t* y[3] = {};
  v.in("x", x[0], 100), v.out("y", y[0], 10);
  memory.share({true, false});
  for (int copy : {1, 2}) v.in("x", x[copy], 100), v.out("y", y[copy], 10);
  EXPECT_EQ(x[1], x[0]);
  EXPECT_EQ(x[2], x[0]);
  EXPECT_NE(y[1], y[0]);
  EXPECT_NE(y[2], y[1]);
  EXPECT_EQ(memory.buffers().size(), 6u);
  EXPECT_EQ(memory.footprint_bytes(), 400 + 3 * 10);
}

TEST(CaseMemory, SaysWhatPagesItGot) {
  for (const Pages pages : {Pages::huge, Pages::small}) {
    CaseMemory memory(Placement::packed, pages);
    BufferVisitor& v = memory;
    int8_t* y = nullptr;
    v.out("y", y, 8 << 20);
    const double share = memory.huge_share();
    EXPECT_LE(share, pages == Pages::small ? 0.0 : 1.0);
  }
}

TEST(Fault, IsCaughtAgainAndAgain) {
  for (int i = 0; i < 3; ++i) {
    int* const volatile nowhere = reinterpret_cast<int*>(64);  // never mapped
    EXPECT_TRUE(guarded([&] { *const_cast<volatile int*>(nowhere) = 1; }));
    EXPECT_FALSE(guarded([] {}));
  }
}

TEST(Compare, BitsFirstThenTolerance) {
  const auto wrong = [](float got, float want, Tolerance t) {
    return compare(DType::f32, reinterpret_cast<const std::byte*>(&got),
                   reinterpret_cast<const std::byte*>(&want), 1, t)
               .wrong == 1;
  };
  EXPECT_TRUE(wrong(0.0f, -0.0f, {}));
  EXPECT_FALSE(wrong(0.0f, -0.0f, {.abs = 1e-9}));
  EXPECT_FALSE(wrong(1.001f, 1.0f, {.rel = 0.01}));
  EXPECT_TRUE(wrong(1.02f, 1.0f, {.rel = 0.01}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(wrong(nan, nan, {}));
  EXPECT_TRUE(wrong(nan, 1.0f, {.abs = 1e9}));
  EXPECT_TRUE(wrong(1.0f, nan, {.abs = 1e9}));
}

}  // namespace
}  // namespace nibble::harness
