#include "nibble/harness/memory.h"

#include <xxhash.h>

#include <cmath>
#include <cstring>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"

namespace nibble::harness {
namespace {

constexpr size_t kGuard = 256;  // bytes on each side: four cache lines, the widest unrolled store
constexpr std::byte kGuardByte{0xC3}, kPoison{0xA5};

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

void* CaseMemory::buffer(std::string_view name, Role role, DType type, int64_t count, int, void*) {
  if (count <= 0) return nullptr;
  Buffer b{std::string(name), role, type, count, size_t(count) * bytes_of(type), nullptr, nullptr};
  const size_t total = b.bytes + 2 * kGuard + 64;
  b.block = std::make_unique_for_overwrite<std::byte[]>(total);
  std::memset(b.block.get(), int(kGuardByte), total);
  const auto base = reinterpret_cast<uintptr_t>(b.block.get()) + kGuard;
  b.data = b.block.get() + kGuard + ((64 - base % 64) % 64);
  std::memset(b.data, int(kPoison), b.bytes);
  buffers_.push_back(std::move(b));
  return buffers_.back().data;
}

int64_t CaseMemory::footprint_bytes() const {
  int64_t n = 0;
  for (const Buffer& b : buffers_) n += int64_t(b.bytes);
  return n;
}

void CaseMemory::poison(Role role) {
  for (Buffer& b : buffers_)
    if (b.role == role) std::memset(b.data, int(kPoison), b.bytes);
}

std::string CaseMemory::broken_guard() const {
  for (const Buffer& b : buffers_) {
    for (size_t i = 1; i <= kGuard; ++i)
      if (*(b.data - i) != kGuardByte) return b.name;
    for (size_t i = 0; i < kGuard; ++i)
      if (*(b.data + b.bytes + i) != kGuardByte) return b.name;
  }
  return {};
}

uint64_t CaseMemory::hash(Role role) const {
  uint64_t h = 0;
  for (const Buffer& b : buffers_)
    if (b.role == role) h = XXH3_64bits_withSeed(b.data, b.bytes, h);
  return h;
}

std::vector<std::vector<std::byte>> CaseMemory::save() const {
  std::vector<std::vector<std::byte>> all;
  for (const Buffer& b : buffers_) all.emplace_back(b.data, b.data + b.bytes);
  return all;
}

void CaseMemory::restore(const std::vector<std::vector<std::byte>>& saved, Role role) {
  for (size_t i = 0; i < buffers_.size(); ++i)
    if (buffers_[i].role == role) std::memcpy(buffers_[i].data, saved[i].data(), saved[i].size());
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
