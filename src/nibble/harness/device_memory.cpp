#include "nibble/harness/device_memory.h"

#include <algorithm>

namespace nibble::harness {
namespace {

constexpr size_t kGuard = 256;  // bytes, what cuda::Memory is aligned to
constexpr std::byte kGuardByte{0xC3};

}  // namespace

void* DeviceMemory::buffer(std::string_view name, Role role, DType type, int64_t count, int align,
                           void*) {
  if (count <= 0) return nullptr;
  Place p{.name = std::string(name), .role = role};
  p.bytes = size_t(count) * size_t(bytes_of(type));
  const size_t offset = shifted_ ? kGuard + size_t(std::max(align, bytes_of(type))) : 0;
  note(p.memory.allocate(offset + p.bytes));
  if (!p.memory.data()) return nullptr;
  p.data = p.memory.data() + offset;
  if (offset) note(cuda::fill(p.memory.data(), kGuardByte, offset, nullptr));
  note(cuda::synchronize(nullptr));
  places_.push_back(std::move(p));
  return places_.back().data;
}

void DeviceMemory::poison(Role role, std::byte value, void* stream) {
  for (const Place& p : places_)
    if (p.role == role) note(cuda::fill(p.data, value, p.bytes, stream));
}

void DeviceMemory::upload(const Contents& from, Role role, void* stream) {
  for (size_t i = 0; i < places_.size(); ++i)
    if (places_[i].role == role)
      note(cuda::copy(places_[i].data, from[i].data(), places_[i].bytes, stream));
}

Status DeviceMemory::download(Contents& to, void* stream) {
  if (Status s = cuda::synchronize(stream); !s.ok()) return s;
  to.resize(places_.size());
  for (size_t i = 0; i < places_.size(); ++i) {
    to[i].resize(places_[i].bytes);
    note(cuda::copy(to[i].data(), places_[i].data, places_[i].bytes, stream));
  }
  note(cuda::synchronize(stream));
  return status_;
}

std::string DeviceMemory::broken_guard(void* stream) {
  for (const Place& p : places_) {
    std::vector<std::byte> guard(size_t(p.data - p.memory.data()));
    if (guard.empty()) continue;
    note(cuda::copy(guard.data(), p.memory.data(), guard.size(), stream));
    note(cuda::synchronize(stream));
    if (!std::all_of(guard.begin(), guard.end(), [](std::byte b) { return b == kGuardByte; }))
      return p.name;
  }
  return {};
}

}  // namespace nibble::harness
