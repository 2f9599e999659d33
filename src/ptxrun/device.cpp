#include "device.h"

#include <cstdlib>
#include <string>

namespace ptxrun {
namespace {

constexpr uint64_t kGiB = uint64_t(1) << 30, kMiB = 1 << 20;
constexpr Device kDevices[] = {
    {.name = "sm_80",
     .model = "A100 80GB",
     .major = 8,
     .minor = 0,
     .sms = 108,
     .threads_per_sm = 2048,
     .blocks_per_sm = 32,
     .shared_per_sm = 167936,
     .shared_per_block = 166912,
     .memory = 80 * kGiB,
     .l2 = 40 * kMiB,
     .clock_khz = 1410000,
     .memory_bus = 5120,
     .max_cluster = 1,
     .suffix = false},
    {.name = "sm_89",
     .model = "L40S",
     .major = 8,
     .minor = 9,
     .sms = 142,
     .threads_per_sm = 1536,
     .blocks_per_sm = 24,
     .shared_per_sm = 102400,
     .shared_per_block = 101376,
     .memory = 48 * kGiB,
     .l2 = 96 * kMiB,
     .clock_khz = 2520000,
     .memory_bus = 384,
     .max_cluster = 1,
     .suffix = false},
    {.name = "sm_90a",
     .model = "H200",
     .major = 9,
     .minor = 0,
     .sms = 132,
     .threads_per_sm = 2048,
     .blocks_per_sm = 32,
     .shared_per_sm = 233472,
     .shared_per_block = 232448,
     .memory = 141 * kGiB,
     .l2 = 50 * kMiB,
     .clock_khz = 1980000,
     .memory_bus = 6144,
     .max_cluster = 8,
     .suffix = true},
    {.name = "sm_100a",
     .model = "B200",
     .major = 10,
     .minor = 0,
     .sms = 148,
     .threads_per_sm = 2048,
     .blocks_per_sm = 32,
     .shared_per_sm = 233472,
     .shared_per_block = 232448,
     .memory = 180 * kGiB,
     .l2 = 126 * kMiB,
     .clock_khz = 1965000,
     .memory_bus = 8192,
     .max_cluster = 8,
     .suffix = true},
    {.name = "sm_120",
     .model = "RTX PRO 6000",
     .major = 12,
     .minor = 0,
     .sms = 188,
     .threads_per_sm = 1536,
     .blocks_per_sm = 24,
     .shared_per_sm = 102400,
     .shared_per_block = 101376,
     .memory = 96 * kGiB,
     .l2 = 128 * kMiB,
     .clock_khz = 2617000,
     .memory_bus = 512,
     .max_cluster = 8,
     .suffix = true},
};

}  // namespace

std::span<const Device> devices() { return kDevices; }

const Device* device_named(std::string_view name) {
  for (const Device& d : kDevices) {
    // sm_90 and sm_90a, sm_120 and sm_120a are one device: hardware has no suffix
    const std::string plain = "sm_" + std::to_string(d.sm());
    if (d.name == name || name == plain || (d.suffix && name == plain + "a")) return &d;
  }
  return nullptr;
}

bool runs(const Device& device, std::string_view target) {
  if (target.rfind("sm_", 0) != 0) return false;
  const std::string digits(target.substr(3));
  const int sm = std::atoi(digits.c_str());
  if (digits.back() == 'a') return sm == device.sm();
  if (digits.back() == 'f') return sm / 10 == device.major && sm <= device.sm();
  return sm <= device.sm();
}

}  // namespace ptxrun
