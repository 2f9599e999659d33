// The address space of all devices: one, so that an address tells whose memory it is.
//
// Device memory is mapped twice: the addresses a program gets are reserved and inaccessible, so
// that host code which dereferences a device pointer faults, as it would with a GPU; the bytes live
// `delta` higher. Allocations never touch and addresses are not handed out twice, so that an access
// past an end or after cudaFree hits nothing.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "device.h"

namespace ptxrun {

// Generic addresses of the other state spaces lie in windows inside the reserved range.
inline constexpr uint64_t kSharedWindowBytes = 1u << 28;  // 16 blocks of a cluster, 16 MiB each
inline constexpr uint64_t kLocalWindowBytes = 1u << 24;
inline constexpr uint64_t kParamWindowBytes = 1u << 16;

struct Allocation {
  enum class Kind : uint8_t { device, managed, pinned, variable };
  uint64_t base = 0, bytes = 0;
  uint8_t* data = nullptr;  // where the bytes are on the host
  Kind kind = Kind::device;
  int number = 0;  // in order of allocation, from 1
  int device = 0;  // whose memory it is; managed and pinned memory is everybody's
  bool freed = false;
  std::string name;  // of a variable
};

class Memory {
 public:
  explicit Memory(int devices = 1);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Null if `bytes` does not fit below `capacity`.
  const Allocation* allocate(uint64_t bytes, Allocation::Kind kind, std::string name = {},
                             int device = 0);
  bool release(uint64_t base, Allocation::Kind kind);  // false if nothing live starts at `base`
  // The allocation that holds `address`, or with nothing there the nearest one below, or null.
  const Allocation* near(uint64_t address) const;
  // The allocation that holds [address, address + bytes), live; else null.
  const Allocation* find(uint64_t address, uint64_t bytes) const {
    const Allocation* a = near(address);
    return a && !a->freed && address - a->base + bytes <= a->bytes ? a : nullptr;
  }
  bool is_reserved(uint64_t address) const { return address - start_ < reserved_; }
  // Whether kernels of `device` may touch the allocation.
  bool reaches(int device, const Allocation& a) const {
    return a.device == device || a.kind == Allocation::Kind::managed ||
           a.kind == Allocation::Kind::pinned || peers_[size_t(device)][size_t(a.device)];
  }
  bool has_peer(int device, int peer) const { return peers_[size_t(device)][size_t(peer)]; }
  void set_peer(int device, int peer, bool access) {
    peers_[size_t(device)][size_t(peer)] = access;
  }
  // "12 bytes past the end of allocation 3 (400 bytes from cudaMalloc)"
  std::string describe(uint64_t address) const;

  uint64_t shared_window() const { return start_; }
  uint64_t local_window() const { return start_ + kSharedWindowBytes; }
  uint64_t param_window() const { return local_window() + kLocalWindowBytes; }
  uint64_t used(int device) const { return used_[size_t(device)]; }
  uint64_t capacity = uint64_t(80) << 30;  // of each device

 private:
  static constexpr uint64_t kReserved = uint64_t(256) << 30;  // a device
  int devices_;
  uint64_t reserved_;
  uint64_t start_ = 0, next_ = 0;
  uint64_t delta_ = 0;
  std::array<uint64_t, kMaxDevices> used_{};
  std::array<std::array<bool, kMaxDevices>, kMaxDevices> peers_{};  // of the first, to the second
  int count_ = 0;
  std::map<uint64_t, Allocation> allocations_;  // by base; freed ones stay, to be named in reports
};

}  // namespace ptxrun
