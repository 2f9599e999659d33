// Numbers for schedules: splitmix64, which needs eight bytes of state and no warming up.
#pragma once
#include <cstdint>

namespace ptxrun {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
  }
  uint64_t below(uint64_t n) { return next() % n; }  // n > 0

 private:
  uint64_t state_;
};

}  // namespace ptxrun
