// Loops that do nothing but read memory or multiply: what a machine can give at most. harness/
// runs them beside the ops it times, so that a figure is a share of a roof measured in one process.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "nibble/base/op.h"

namespace nibble::cpu {

struct ComputeLoop {
  std::string_view name;  // the instruction, and the register where there are several widths
  IsaSet needs;
  Arithmetic arithmetic;
  int ops_per_round;  // a multiply-add is 2
  // Returns a value that depends on all the work, so that none of it may be left out.
  uint64_t (*run)(int64_t rounds);
  // What a kernel has to issue for its products, scales included: a roof for those who ask for it
  // by name, never the best of an arithmetic.
  bool mix = false;
};

// An access pattern over [p, p + bytes): p is aligned to 4096, bytes is a multiple of 4096.
struct ReadLoop {
  std::string_view name;
  IsaSet needs;
  uint64_t (*run)(const std::byte* p, size_t bytes);
};

// Copies [from, from + bytes) to `to`: both aligned to 4096, bytes a multiple of 4096.
struct CopyLoop {
  std::string_view name;
  IsaSet needs;
  void (*run)(std::byte* to, const std::byte* from, size_t bytes);
};

std::span<const ComputeLoop> compute_loops();
std::span<const ReadLoop> read_loops();
std::span<const CopyLoop> copy_loops();

}  // namespace nibble::cpu
