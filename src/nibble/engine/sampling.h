// Choosing the next symbol from logits. The choice is a pure function of the options, the number of
// draws before it and the logits, so a seed names one continuation.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/base/random.h"

namespace nibble::engine {

struct SamplingOptions {
  double temperature = 1;  // 0: always the most likely symbol
  int top_k = 0;           // only the k most likely symbols; 0: all
  uint64_t seed = 0;
};

class Sampler {
 public:
  explicit Sampler(const SamplingOptions&);  // throws nibble::Error

  // An index into `logits` with probability softmax(logits / temperature) among the top_k; of equal
  // logits the lower index counts as the more likely. Throws if no logit is finite.
  int pick(std::span<const float> logits);

 private:
  SamplingOptions options_;
  Random random_;
  std::vector<int> order_;
  std::vector<double> weight_;
};

}  // namespace nibble::engine
