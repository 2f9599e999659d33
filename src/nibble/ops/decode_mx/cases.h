// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/decode_mx/decode_mx.h"

namespace nibble::decode_mx {

inline void fill_bytes(const void* p, int64_t count, Random& rng) {
  auto* bytes = static_cast<uint8_t*>(const_cast<void*>(p));
  for (int64_t i = 0; i < count; ++i) bytes[i] = uint8_t(rng.next32());
}

inline void fill_random(Args& a, Random& rng) {
  fill_bytes(a.codes, a.rows * mx_row_bytes(a.format, a.cols), rng);
  fill_bytes(a.scales, a.rows * a.cols / kMxBlock, rng);
}
// Scales at both ends, where elements become subnormal floats or overflow.
inline void fill_extreme(Args& a, Random& rng) {
  fill_random(a, rng);
  const uint8_t scale[] = {0, 1, 2, 3, 20, 254, 253, 240, 255};
  for (int64_t i = 0; i < a.rows * a.cols / kMxBlock; ++i)
    writable(a.scales)[i] = {scale[rng.below(9)]};
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};
  constexpr struct {
    const char* name;
    MxFormat format;
  } kFormats[] = {{"e2m1", MxFormat::e2m1}, {"e4m3", MxFormat::e4m3}, {"e5m2", MxFormat::e5m2}};
  for (const auto& format : kFormats)
    for (const auto& type : kTypes)
      for (auto fill : {fill_random, fill_extreme})
        for (int cols : {32, 96, 640})
          all.push_back(
              {.name = std::string(format.name) + "_" + type.name +
                       (fill == fill_random ? "_random_c" : "_extreme_c") + std::to_string(cols),
               .args = {.rows = 11, .cols = cols, .format = format.format, .y = type.type},
               .seed = seed++,
               .fill = fill});
  for (const auto& format : kFormats)
    for (const auto& type : kTypes)
      all.push_back({.name = std::string("bench_") + format.name + "_" + type.name,
                     .args = {.rows = 2048, .cols = 4096, .format = format.format, .y = type.type},
                     .fill = fill_random,
                     .bench = true});
  return all;
}

}  // namespace nibble::decode_mx
