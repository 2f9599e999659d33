// Counter-based random numbers: a value is a pure function of (key, counter), so noise is
// regenerated instead of stored, in any order, by any thread, on any device.
#pragma once
#include <array>
#include <cstdint>

namespace nibble {

// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11).
constexpr std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> ctr,
                                             std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t(0xD2511F53u) * ctr[0], b = uint64_t(0xCD9E8D57u) * ctr[2];
    ctr = {uint32_t(b >> 32) ^ ctr[1] ^ key[0], uint32_t(b), uint32_t(a >> 32) ^ ctr[3] ^ key[1],
           uint32_t(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return ctr;
}

// A stream of Philox numbers: `seed` is the key, `stream` the upper half of the counter.
class Random {
 public:
  constexpr explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  constexpr uint32_t next32() {
    if (at_ == 4) {
      block_ = philox4x32(
          {uint32_t(count_), uint32_t(count_ >> 32), uint32_t(stream_), uint32_t(stream_ >> 32)},
          {uint32_t(seed_), uint32_t(seed_ >> 32)});
      ++count_, at_ = 0;
    }
    return block_[at_++];
  }
  constexpr uint64_t next64() {
    const uint64_t low = next32();
    return low | uint64_t(next32()) << 32;
  }
  // [0, n), n > 0, by multiplication (Lemire); biased by less than n / 2^64.
  constexpr uint64_t below(uint64_t n) {
    return uint64_t((static_cast<unsigned __int128>(next64()) * n) >> 64);
  }
  constexpr float uniform() { return float(next32() >> 8) * 0x1p-24f; }  // [0, 1)
  constexpr float uniform(float low, float high) { return low + (high - low) * uniform(); }

 private:
  uint64_t seed_, stream_, count_ = 0;
  std::array<uint32_t, 4> block_{};
  int at_ = 4;
};

}  // namespace nibble
