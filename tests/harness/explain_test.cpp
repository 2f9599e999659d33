#include "nibble/harness/explain.h"

#include <gtest/gtest.h>

#include "cheaters.h"
#include "nibble/harness/erase.h"

namespace nibble::harness {
namespace {

TEST(Explain, SaysWhyEachVariantWasOrWasNotChosen) {
  const ErasedOp<toy::Op> view(toy::cases());
  constexpr Proof proofs[] = {{"toy", "sleeps", Level::executed, "x"},
                              {"toy", "honest", Level::proven, "x"}};
  const Choice c = explain(view, 1, Machine{}, proofs);
  EXPECT_EQ(c.case_name, "n67");
  ASSERT_EQ(c.chosen, 0);
  EXPECT_EQ(c.candidates[0].why_not, "");
  EXPECT_EQ(c.candidates.back().why_not, "costs more: 1 us against 1 us of honest");
  EXPECT_NE(c.candidates[1].why_not.find("never proven"), std::string::npos);
  EXPECT_EQ(c.sentence(), "honest (proven): least cost, 1 us, of 2 that can run");
  EXPECT_NE(to_json(c).find("\"chosen\":\"honest\""), std::string::npos);

  const Choice none = explain(view, 1, Machine{}, {});
  EXPECT_EQ(none.chosen, -1);
  EXPECT_EQ(none.sentence().find("none can run: honest (never proven"), 0u);
  EXPECT_NE(to_json(none).find("\"chosen\":null"), std::string::npos);
}

}  // namespace
}  // namespace nibble::harness
