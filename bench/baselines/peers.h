// Libraries that multiply matrices on CPUs too: what nibble's figures are compared with.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nibble::baselines {

// y[m][n] = x[m][k] * w[n][k]^T, on so many threads.
struct Problem {
  int m = 1, n = 0, k = 0, threads = 1;
};

// A product made ready by a peer: its weights in the order that its kernel wants, in as many copies
// as were asked for. Operands are small integers, so that every sum is exact in every type.
struct Product {
  std::string kernel;                    // what the peer says that it runs
  int64_t weight_bytes = 0;              // of one copy
  std::function<void(int copy)> run;     // writes y
  std::function<double(int, int)> y;     // element (i, j) of what was last written
  std::function<double(int, int)> x, w;  // operands, as the peer got them
  std::shared_ptr<void> owner;
};

struct Peer {
  std::string name, version;
  std::vector<std::string> types;  // of operands and sums, as the peer calls them
  std::string absent;              // why it cannot be run, or empty
  // `copies` is asked for the number of copies once the bytes of one are known.
  Product (*make)(const std::string& type, const Problem&, int (*copies)(int64_t bytes)) = nullptr;
};

Peer onednn();
Peer openblas();
Peer ggml();

// Whether OpenBLAS took kernels of a CPU that lacks AVX2, or AVX-512 where the machine has it.
bool openblas_is_lost(bool avx512);

// Element i of an operand: -8 to 7, and 0 to 15 where the type has no sign.
inline int small(uint64_t seed, int64_t i) {
  uint64_t z = (seed << 56) + uint64_t(i) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  return int((z ^ z >> 27) >> 13 & 15) - 8;
}

}  // namespace nibble::baselines
