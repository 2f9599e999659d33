// The golden losses of the default model, 7.9 million parameters: seconds, hence a test of its own.
#include <gtest/gtest.h>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/train/origin.h"
#include "nibble/train/origin_es.h"
#include "nibble/train/tinyshakespeare.h"

namespace nibble::train {
namespace {

TEST(OriginModel, DefaultLossesAreTheGoldenOnes) {
  const Bytes text = tinyshakespeare(NIBBLE_DATA);
  if (text.empty()) GTEST_SKIP() << "tinyshakespeare.txt is not in data/";
  const efla_lm::OriginConfig c;
  const auto p = efla_lm::origin_init(c);
  const OriginBatch b = origin_batch(text, mix64(1, 0), 32, c.seq);
  const auto pool = cpu::make_pool(cpu::this_machine().cores);
  efla_lm::OriginModel model(c, cpu::this_machine());
  model.set_noise(origin_pair_seed(1, 0, 0), pool.get());
  const auto loss = [&](int sign) {
    return model.loss(p, {sign, 3}, b.tokens, b.targets, c.seq, pool.get());
  };
  EXPECT_NEAR(loss(0), 5.664611, 1e-5);
  EXPECT_NEAR(loss(1), 5.703737, 1e-5);
  EXPECT_NEAR(loss(-1), 5.681183, 1e-5);
}

}  // namespace
}  // namespace nibble::train
