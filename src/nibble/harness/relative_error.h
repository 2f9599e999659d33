// ||got - want|| / ||want|| of many numbers, for what an op's test says of its accuracy.
#pragma once
#include <cmath>

namespace nibble::harness {

struct RelativeError {
  double error2 = 0, norm2 = 0;

  void add(double got, double want) {
    error2 += (got - want) * (got - want);
    norm2 += want * want;
  }
  double l2() const { return std::sqrt(error2 / norm2); }
};

}  // namespace nibble::harness
