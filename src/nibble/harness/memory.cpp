#include "nibble/harness/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <new>
#include <sstream>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"

namespace nibble::harness {
namespace {

constexpr size_t kGuard = 256;  // bytes: four cache lines, the widest unrolled store
constexpr std::byte kGuardByte{0xC3}, kFirstPoison{0xA5};
constexpr size_t kHugePage = 2 << 20;

size_t page_bytes() {
  static const size_t bytes = size_t(sysconf(_SC_PAGESIZE));
  return bytes;
}
size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
std::byte* align_up(std::byte* p, size_t to) {
  const auto at = reinterpret_cast<uintptr_t>(p);
  return p + (round_up(at, to) - at);
}

std::byte* map(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(p);
}

template <class T>
T load_as(const std::byte* data, int64_t i) {
  T v;
  std::memcpy(&v, data + i * int64_t(sizeof v), sizeof v);
  return v;
}
template <class T>
double load(const std::byte* data, int64_t i) {
  return double(load_as<T>(data, i));
}

bool is_integer(DType t) { return t >= DType::i64; }

}  // namespace

CaseMemory::~CaseMemory() {
  for (const Mapping& m : mappings_) munmap(m.address, m.bytes);
}

// From one 2 MiB-aligned mapping as long as it lasts: the thousands of copies of a small case, as a
// cold run makes them, share pages.
std::byte* CaseMemory::pack(size_t bytes) {
  if (size_t(free_end_ - free_) < bytes) {
    const size_t usable = round_up(bytes, kHugePage), total = usable + kHugePage;
    std::byte* p = map(total);
    mappings_.push_back({p, total});
    free_ = align_up(p, kHugePage);
    free_end_ = free_ + usable;
#ifdef MADV_HUGEPAGE
    madvise(free_, usable, pages_ == Pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
  }
  std::byte* p = free_;
  free_ += bytes;
  return p;
}

void* CaseMemory::buffer(std::string_view name, Role role, DType type, int64_t count, int align,
                         void*) {
  if (count <= 0) return nullptr;
  if (const size_t i = buffers_.size(); i >= shared_.size() && !shared_.empty()) {
    if (const size_t first = i % shared_.size(); shared_[first]) {
      buffers_.push_back(buffers_[first]);
      buffers_.back().shared = true;
      return buffers_.back().data;
    }
  }
  Buffer b{.name = std::string(name), .role = role, .type = type, .count = count};
  b.bytes = size_t(count) * size_t(bytes_of(type));
  const size_t step = size_t(std::max(align, bytes_of(type)));
  if (placement_ == Placement::packed) {
    const size_t line = std::max<size_t>(64, step);
    const size_t room = round_up(b.bytes, line) + 2 * kGuard + line;
    b.begin = pack(room), b.end = b.begin + room;
    b.data = align_up(b.begin + kGuard, line);
  } else {
    const size_t page = page_bytes(), room = round_up(b.bytes + 2 * kGuard + 4 * step, page);
    std::byte* p = map(room + 2 * page);
    mappings_.push_back({p, room + 2 * page});
    mprotect(p, page, PROT_NONE);
    mprotect(p + page + room, page, PROT_NONE);
    b.begin = p + page, b.end = b.begin + room;
    if (placement_ == Placement::flush_begin)
      b.data = align_up(b.begin, step);
    else if (placement_ == Placement::flush_end)
      b.data = align_up(b.end - b.bytes - (step - 1), step);
    else
      b.data = align_up(b.begin + kGuard, 2 * step) + step;
  }
  std::memset(b.begin, int(kGuardByte), size_t(b.data - b.begin));
  std::memset(b.data, int(kFirstPoison), b.bytes);
  std::memset(b.data + b.bytes, int(kGuardByte), size_t(b.end - b.data) - b.bytes);
  buffers_.push_back(std::move(b));
  return buffers_.back().data;
}

int64_t CaseMemory::footprint_bytes() const {
  int64_t n = 0;
  for (const Buffer& b : buffers_)
    if (!b.shared) n += int64_t(b.bytes);
  return n;
}

// The kernel lists every range of addresses with what stands behind it: "7f00-7f20 rw-p ...", then
// lines such as "AnonHugePages: 2048 kB".
double CaseMemory::huge_share() const {
  std::ifstream in("/proc/self/smaps");
  double touched = 0, huge = 0;
  bool ours = false, told = false;
  for (std::string line; std::getline(in, line);) {
    uintptr_t low = 0, high = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> low >> dash >> high && dash == '-') {
      ours = std::any_of(mappings_.begin(), mappings_.end(), [&](const Mapping& m) {
        const auto at = reinterpret_cast<uintptr_t>(m.address);
        return low < at + m.bytes && at < high;
      });
      continue;
    }
    std::string key;
    double kib = 0;
    std::istringstream field(line);
    if (!ours || !(field >> key >> kib)) continue;
    if (key == "Rss:") touched += kib;
    if (key == "AnonHugePages:") huge += kib, told = true;
  }
  return told && touched > 0 ? huge / touched : -1;
}

void CaseMemory::poison(Role role, std::byte value) {
  for (Buffer& b : buffers_)
    if (b.role == role) std::memset(b.data, int(value), b.bytes);
}

std::string CaseMemory::broken_guard() const {
  const auto intact = [](std::byte b) { return b == kGuardByte; };
  for (const Buffer& b : buffers_)
    if (!std::all_of(b.begin, b.data, intact) || !std::all_of(b.data + b.bytes, b.end, intact))
      return b.name;
  return {};
}

void CaseMemory::protect_inputs(bool on) {
  if (placement_ == Placement::packed) return;
  for (const Buffer& b : buffers_)
    if (b.role == Role::in)
      mprotect(b.begin, size_t(b.end - b.begin), on ? PROT_READ : PROT_READ | PROT_WRITE);
}

std::string CaseMemory::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const size_t page = page_bytes();
  for (const Buffer& b : buffers_) {
    if (at < b.begin - page || at >= b.end + page) continue;
    if (at < b.data) return fmt::format("{} bytes before buffer {}", b.data - at, b.name);
    if (at < b.data + b.bytes) return "input buffer " + b.name;
    return fmt::format("{} bytes behind the end of buffer {}", at - b.data - b.bytes, b.name);
  }
  return {};
}

Contents CaseMemory::save() const {
  Contents all;
  for (const Buffer& b : buffers_) all.emplace_back(b.data, b.data + b.bytes);
  return all;
}

void CaseMemory::restore(const Contents& saved, Role role) {
  for (size_t i = 0; i < buffers_.size(); ++i)
    if (const auto& s = saved[i % saved.size()]; buffers_[i].role == role)
      std::memcpy(buffers_[i].data, s.data(), s.size());
}

double element(DType t, const std::byte* data, int64_t i) {
  switch (t) {
    case DType::f64:
      return load<double>(data, i);
    case DType::f32:
      return load<float>(data, i);
    case DType::fp16:
      return to_float(load_as<fp16>(data, i));
    case DType::bf16:
      return to_float(load_as<bf16>(data, i));
    case DType::e4m3:
      return to_float(load_as<e4m3>(data, i));
    case DType::e5m2:
      return to_float(load_as<e5m2>(data, i));
    case DType::ue8m0:
      return to_float(load_as<ue8m0>(data, i));
    case DType::i64:
      return load<int64_t>(data, i);
    case DType::i32:
      return load<int32_t>(data, i);
    case DType::i16:
      return load<int16_t>(data, i);
    case DType::i8:
      return load<int8_t>(data, i);
    case DType::u64:
      return load<uint64_t>(data, i);
    case DType::u32:
      return load<uint32_t>(data, i);
    case DType::u16:
      return load<uint16_t>(data, i);
    case DType::u8:
      return load<uint8_t>(data, i);
  }
  return 0;
}

Difference compare(DType t, const std::byte* got, const std::byte* want, int64_t count,
                   Tolerance tol) {
  Difference d;
  const int64_t size = bytes_of(t);
  double error2 = 0, norm2 = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double g = element(t, got, i), w = element(t, want, i), e = std::abs(g - w);
    const bool same_bits = std::memcmp(got + i * size, want + i * size, size_t(size)) == 0;
    const bool close = is_integer(t) ? e <= tol.codes : e <= tol.abs + tol.rel * std::abs(w);
    // Bits first: equal NaNs pass, and with no tolerance -0 is not 0 and no NaN passes as close.
    const bool exact_only = is_integer(t) ? tol.codes == 0 : tol.abs == 0 && tol.rel == 0;
    const bool ok = same_bits || (!exact_only && close);
    if (!ok && d.wrong++ == 0) d.first = i, d.got = g, d.want = w;
    if (!same_bits && !(e <= d.worst)) d.worst = e;
    if (!same_bits) error2 += e * e;
    if (std::isfinite(w)) norm2 += w * w;
  }
  d.rel_l2 = error2 == 0 ? 0 : std::sqrt(error2 / (norm2 > 0 ? norm2 : 1));
  return d;
}

}  // namespace nibble::harness
