#include <algorithm>
#include <iterator>

#include "nibble/harness/verify.h"
#include "nibble/ops/hash_noise/hash_noise.h"

using namespace nibble;
using namespace nibble::hash_noise;

namespace {

// Known answers of the definition, from an independent derivation.
constexpr uint64_t kEmbedding = 0xe0b99a6c5be6f49du;
constexpr int kFour[] = {-3, -1, -1, -2, 0, 1, 0, 2, 2, 3, -2, 0, 1, -2, -1, 2};
constexpr int kPlain[] = {0, -1, 0, 1, -1, 1, -1, 0, -1, -1, 1, 1, -1, 1, -1, 0};

bool golden() {
  uint64_t s = 0;
  bool ok = splitmix64(s) == 0xe220a8397b1dcdafu && splitmix64(s) == 0x6e789e6aa1b965f4u &&
            splitmix64(s) == 0x06c45d188009454fu;
  ok = ok && mix64(0, 0) == 0x9ca066f1a4ab2eeau && mix64(1, 0) == 0xad231ca89252eac7u &&
       mix64(1, 2) == 0xf9122d6051144cc9u && mix64(0x123456789abcdef0u, 7) == 0xfd18d67adaf4d676u;
  for (uint64_t i = 0; i < std::size(kFour); ++i)
    ok = ok && ternary_noise(kEmbedding, i, 4) == kFour[i] &&
         ternary_noise(kEmbedding, i, 0) == kPlain[i];
  return ok;
}

}  // namespace

int main() {
  int8_t out[1];
  const bool refused = !Op::check({.n = 0, .out = out}).ok() &&
                       !Op::check({.n = 1, .terms = 128, .out = out}).ok() &&
                       !Op::check({.n = 1}).ok();
  return harness::verify_main("hash_noise", refused && golden());
}
