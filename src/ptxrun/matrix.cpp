#include "matrix.h"

#include <array>
#include <climits>
#include <cmath>

#include "number.h"

namespace ptxrun {
namespace {

template <const Format& F>
double narrow(uint32_t v) {
  static const auto table = [] {
    std::array<double, 256> t{};
    for (uint32_t k = 0; k < 256; ++k) t[k] = decode(F, k & (2 * F.sign() - 1));
    return t;
  }();
  return table[v & 255];
}
double scale(uint32_t v) { return ue8m0_value(uint8_t(v)); }
double unsigned_e4m3(uint32_t v) { return decode(kE4m3, v & 127); }

uint32_t field(uint64_t d, int at) { return uint32_t(d >> at & 0x3fff) << 4; }

[[noreturn]] void bad(const std::string& what) {
  throw Fault{FaultKind::misuse, "matrix descriptor: " + what, 0};
}

}  // namespace

Value value_of(Type t) {
  switch (t) {
    case Type::f16:
      return [](uint32_t v) -> double { return f16_value(uint16_t(v)); };
    case Type::bf16:
      return [](uint32_t v) -> double { return bf16_value(uint16_t(v)); };
    case Type::tf32:
      return [](uint32_t v) -> double { return std::bit_cast<float>(v & 0xffffe000u); };
    case Type::s8:
      return [](uint32_t v) -> double { return int8_t(v); };
    case Type::u8:
      return [](uint32_t v) -> double { return uint8_t(v); };
    case Type::e4m3:
      return narrow<kE4m3>;
    case Type::e5m2:
      return narrow<kE5m2>;
    case Type::e2m3:
      return narrow<kE2m3>;
    case Type::e3m2:
      return narrow<kE3m2>;
    case Type::e2m1:
      return narrow<kE2m1>;
    case Type::ue8m0:
      return scale;
    case Type::ue4m3:
      return unsigned_e4m3;
    default:
      return nullptr;
  }
}

uint32_t SharedMatrix::at(uint32_t i, uint32_t k, uint32_t size) const {
  const uint32_t unit = 16 / size;                        // elements in 16 bytes
  const uint32_t row = swizzle ? uint32_t(swizzle) : 16;  // bytes of a line of a unit
  uint32_t offset;
  if (!mn_major) {
    offset = i % 8 * row + i / 8 * stride;
    offset += swizzle ? k * size : k / unit * leading + k % unit * size;
  } else if (!swizzle) {
    offset = i % unit * size + i / unit * stride + k % 8 * 16 + k / 8 * leading;
  } else {
    const uint32_t wide_unit = row / size;
    offset = i % wide_unit * size + i / wide_unit * leading + k % 8 * row + k / 8 * stride;
  }
  const uint32_t address = start + offset;
  if (wide) return address ^ (address >> 7 & 3) << 5;
  const uint32_t mask = swizzle == 128 ? 7 : swizzle == 64 ? 3 : swizzle == 32 ? 1 : 0;
  return address ^ (address >> 7 & mask) << 4;
}

SharedMatrix hopper_matrix(uint64_t d, bool mn_major) {
  constexpr int kSwizzles[] = {0, 128, 64, 32};
  if (d >> 49 & 7) bad("a base offset, which this executor does not have");
  return {field(d, 0), field(d, 16), field(d, 32), kSwizzles[d >> 62], false, mn_major};
}
SharedMatrix blackwell_matrix(uint64_t d, bool mn_major) {
  if ((d >> 46 & 3) != 1) bad("bits 46 and 47 are not the version 1 of tcgen05");
  if (d >> 49 & 7) bad("a base offset, which this executor does not have");
  if (d >> 52 & 1) bad("an absolute leading dimension, which this executor does not have");
  const uint32_t mode = uint32_t(d >> 61);
  if (mode == 3 || mode == 5 || mode == 7)
    bad("swizzle " + std::to_string(mode) + ": allowed are 0, 1, 2, 4, 6");
  constexpr int kSwizzles[] = {0, 128, 128, 0, 64, 0, 32, 0};
  return {field(d, 0), field(d, 16), field(d, 32), kSwizzles[mode], mode == 1, mn_major};
}

double short_sum(const double* a, uint32_t a_step, const double* b, uint32_t b_step, uint32_t depth,
                 double old) {
  constexpr int kKept = 13;
  double exact = old;
  int top = old == 0 ? INT_MIN : std::ilogb(old);
  for (uint32_t k = 0; k < depth; ++k) {
    const double term = a[k * a_step] * b[k * b_step];
    exact += term;
    if (term != 0) top = std::max(top, std::ilogb(term));
  }
  if (!std::isfinite(exact) || top == INT_MIN) return exact;
  // Terms are below 2^(kKept + 1) units: their sum is exact.
  const double unit = std::ldexp(1.0, top - kKept);
  double units = std::trunc(old / unit);
  for (uint32_t k = 0; k < depth; ++k) units += std::trunc(a[k * a_step] * b[k * b_step] / unit);
  return units * unit;
}
float cut_to_float(double v) {
  const float nearest = float(v);
  return std::fabs(double(nearest)) > std::fabs(v) ? std::nextafter(nearest, 0.f) : nearest;
}

const uint8_t* matrix_bytes(const Block& block, uint32_t address, uint32_t bytes) {
  const uint32_t offset = address - kSharedBase;
  if (address < kSharedBase || uint64_t(offset) + bytes > block.shared.size())
    throw Fault{FaultKind::out_of_bounds,
                "a matrix in shared memory reaches address " + std::to_string(address) +
                    ": the block has " + std::to_string(block.shared.size()) + " bytes from " +
                    std::to_string(kSharedBase) + " on",
                0};
  return block.shared.data() + offset;
}

}  // namespace ptxrun
