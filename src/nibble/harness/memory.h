// Memory for one case: guarded, poisoned, hashed. Also what an op's buffers() is for.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "nibble/base/op.h"

namespace nibble::harness {

struct Buffer {
  std::string name;
  Role role;
  DType type;
  int64_t count;
  size_t bytes;
  std::byte* data;  // 64-byte aligned, between guard bands
  std::unique_ptr<std::byte[]> block;
};

// Allocates what it visits. The pointers it hands out stay valid as long as it lives.
class CaseMemory final : public BufferVisitor {
 public:
  std::vector<Buffer>& buffers() { return buffers_; }
  int64_t footprint_bytes() const;
  void poison(Role);  // 0xA5 bytes: a NaN-like pattern that no op writes by chance
  // Name of the first buffer whose guard bands were written, or empty.
  std::string broken_guard() const;
  uint64_t hash(Role) const;  // of the contents of all buffers with that role
  std::vector<std::vector<std::byte>> save() const;
  void restore(const std::vector<std::vector<std::byte>>&, Role);

 private:
  void* buffer(std::string_view name, Role, DType, int64_t count, int align, void* now) override;
  std::vector<Buffer> buffers_;
};

// Element `i` of a buffer as a double, and whether two buffers' bytes agree within a tolerance.
double element(DType, const std::byte* data, int64_t i);

struct Difference {
  int64_t wrong = 0, first = -1;  // elements outside the tolerance
  double got = 0, want = 0;       // at `first`
  double worst = 0;               // largest |got - want|
  double rel_l2 = 0;              // ||got - want|| / ||want||
};
Difference compare(DType, const std::byte* got, const std::byte* want, int64_t count, Tolerance);

}  // namespace nibble::harness
