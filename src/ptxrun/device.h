// Virtual devices: the limits of a real GPU of each architecture.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace ptxrun {

struct Device {
  std::string_view name;  // of --device: sm_90a
  std::string_view model;
  int major = 0, minor = 0;
  int sms = 0;
  int threads_per_sm = 0, blocks_per_sm = 0;
  uint32_t shared_per_sm = 0;     // bytes
  uint32_t shared_per_block = 0;  // bytes, at most, after opting in
  uint64_t memory = 0, l2 = 0;    // bytes
  int clock_khz = 0, memory_bus = 0;
  int max_cluster = 1;  // blocks; 1: no clusters
  bool suffix = false;  // runs PTX for its "a" and "f" targets
  int sm() const { return major * 10 + minor; }
};

// Without opting in; static shared memory never has more.
inline constexpr uint32_t kSharedDefault = 48 * 1024;
inline constexpr uint32_t kSharedReserved = 1024;  // the system's, per block
inline constexpr uint32_t kMaxThreads = 1024;
inline constexpr int kMaxDevices = 8;  // of one process

std::span<const Device> devices();
const Device* device_named(std::string_view name);  // null: there is none

// Whether PTX for `target` (sm_90a) runs on the device: plain targets run on later devices, "f"
// ones within their family, "a" ones on theirs alone.
bool runs(const Device& device, std::string_view target);

}  // namespace ptxrun
