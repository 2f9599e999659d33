// Memory for one case: guarded, poisoned, hashed. Also what an op's buffers() is for.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "nibble/base/op.h"

namespace nibble::harness {

// Where a buffer stands in its pages. In all but `packed`, a page that cannot be touched stands on
// either side, and what is left of the buffer's own pages is a guard band.
enum class Placement : uint8_t {
  packed,       // for timing: multiples of 64 bytes in 2 MiB pages, guard bands between
  flush_end,    // ends at the last byte of a page, or as near as its alignment allows
  flush_begin,  // begins at the first byte of a page
  shifted,      // at an odd multiple of the alignment its contract asks for, and no better
};

// What the pages of packed buffers are asked to be. Large ones are advice to the system, which may
// have none: huge_share() says what came of it.
enum class Pages : uint8_t { huge, small };

struct Buffer {
  std::string name;
  Role role;
  DType type;
  int64_t count;
  size_t bytes;
  std::byte* data;
  std::byte* begin;     // of the guard band in front of it
  std::byte* end;       // of the guard band behind it
  bool shared = false;  // the first copy's, seen again: see share()
};

using Contents = std::vector<std::vector<std::byte>>;  // of every buffer, in order

// Allocates what it visits; visited again it makes another copy. The pointers it hands out stay
// valid as long as it lives.
class CaseMemory final : public BufferVisitor {
 public:
  explicit CaseMemory(Placement placement = Placement::packed, Pages pages = Pages::huge)
      : placement_(placement), pages_(pages) {}
  ~CaseMemory() override;
  CaseMemory(const CaseMemory&) = delete;
  CaseMemory& operator=(const CaseMemory&) = delete;

  std::vector<Buffer>& buffers() { return buffers_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  // When visited again, buffer i is the first copy's if which[i]. Asked for after the first visit.
  void share(std::vector<bool> which) { shared_ = std::move(which); }
  int64_t footprint_bytes() const;  // of shared buffers once
  // The part of the touched pages that are large, 0 to 1; negative where the system does not say.
  double huge_share() const;
  void poison(Role, std::byte);
  // Name of the first buffer whose guard bands were written, or empty.
  std::string broken_guard() const;
  // While on, a write to an `in` buffer faults; not for `packed`.
  void protect_inputs(bool on);
  // "4 bytes behind the end of buffer c", "input buffer a", or empty if far from every buffer.
  std::string describe(const void* address) const;
  Contents save() const;
  // Buffer i gets contents i modulo their number: what was saved of one case restores all its
  // copies.
  void restore(const Contents&, Role);

 private:
  void* buffer(std::string_view name, Role, DType, int64_t count, int align, void* now) override;
  std::byte* pack(size_t bytes);

  Placement placement_;
  Pages pages_;
  std::vector<bool> shared_;
  std::vector<Buffer> buffers_;
  struct Mapping {
    std::byte* address;
    size_t bytes;
  };
  std::vector<Mapping> mappings_;
  std::byte *free_ = nullptr, *free_end_ = nullptr;  // of the last packed mapping
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
