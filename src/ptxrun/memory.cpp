#include "memory.h"

#include <sys/mman.h>

#include <new>

namespace ptxrun {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kGap = 4096;  // between allocations: a miss by less is still a miss
constexpr uint64_t kAlign = 256;

uint64_t round_up(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }

}  // namespace

Memory::Memory(int devices) : devices_(devices), reserved_(kReserved * uint64_t(devices)) {
  void* range =
      mmap(nullptr, 2 * reserved_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw std::bad_alloc();
  start_ = reinterpret_cast<uint64_t>(range);
  delta_ = reserved_;
  next_ = start_ + (uint64_t(1) << 30);
}

Memory::~Memory() { munmap(reinterpret_cast<void*>(start_), 2 * reserved_); }

const Allocation* Memory::allocate(uint64_t bytes, Allocation::Kind kind, std::string name,
                                   int device) {
  uint64_t& used = used_[size_t(device)];
  if (bytes > capacity - used || bytes > start_ + reserved_ - next_ - kGap) return nullptr;
  Allocation a;
  a.bytes = bytes, a.kind = kind, a.name = std::move(name), a.device = device;
  const uint64_t base = round_up(next_, kAlign);
  const uint64_t first = base / kPage * kPage, last = round_up(base + bytes, kPage);
  // Managed and pinned memory is the host's as well: there the program's address is the memory.
  const bool host_too = kind == Allocation::Kind::managed || kind == Allocation::Kind::pinned;
  const uint64_t shift = host_too ? 0 : delta_;
  if (mprotect(reinterpret_cast<void*>(first + shift), last - first, PROT_READ | PROT_WRITE) != 0)
    return nullptr;
  a.base = base;
  a.data = reinterpret_cast<uint8_t*>(base + shift);
  a.number = ++count_;
  next_ = last + kGap;
  used += bytes;
  return &(allocations_[base] = std::move(a));
}

bool Memory::release(uint64_t base, Allocation::Kind kind) {
  auto it = allocations_.find(base);
  if (it == allocations_.end() || it->second.freed) return false;
  Allocation& a = it->second;
  const bool pinned = a.kind == Allocation::Kind::pinned;
  if (a.kind == Allocation::Kind::variable || pinned != (kind == Allocation::Kind::pinned))
    return false;
  a.freed = true;
  used_[size_t(a.device)] -= a.bytes;
  const uint64_t at = reinterpret_cast<uint64_t>(a.data);
  const uint64_t first = at / kPage * kPage, last = round_up(at + a.bytes, kPage);
  // The pages are this allocation's alone; dropping them also makes a stale host access fault.
  madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  mprotect(reinterpret_cast<void*>(first), last - first, PROT_NONE);
  return true;
}

const Allocation* Memory::near(uint64_t address) const {
  auto it = allocations_.upper_bound(address);
  return it == allocations_.begin() ? nullptr : &std::prev(it)->second;
}

std::string Memory::describe(uint64_t address) const {
  const Allocation* a = near(address);
  if (!a) {
    auto above = allocations_.upper_bound(address);
    if (above == allocations_.end() || above->second.base - address > (1u << 20))
      return address < kPage ? "a null pointer" : "no allocation is near";
    return std::to_string(above->second.base - address) + " bytes before allocation " +
           std::to_string(above->second.number);
  }
  const char* const kinds[] = {"cudaMalloc", "cudaMallocManaged", "cudaMallocHost", "variable "};
  std::string who = "allocation " + std::to_string(a->number) + " (" + std::to_string(a->bytes) +
                    " bytes, " + kinds[int(a->kind)] + a->name;
  const bool owned = a->kind == Allocation::Kind::device || a->kind == Allocation::Kind::variable;
  if (devices_ > 1 && owned) who += " on device " + std::to_string(a->device);
  who += ")";
  const uint64_t offset = address - a->base;
  if (offset < a->bytes) return (a->freed ? "inside freed " : "inside ") + who;
  if (offset - a->bytes > (1u << 20)) return "no allocation is near";
  return std::to_string(offset - a->bytes) + " bytes past the end of " + who;
}

}  // namespace ptxrun
