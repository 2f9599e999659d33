// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemm_s8_cross_entropy/gemm_s8_cross_entropy.h"

namespace nibble::gemm_s8_cross_entropy {

inline void fill_rest(Args& a, Random& rng, int32_t most_step) {
  for (int64_t r = 0; r < a.rows; ++r)
    writable(a.target)[r] = uint8_t(rng.below(uint64_t(a.symbols)));
  const int64_t words = (a.rows + a.share - 1) / a.share * ((a.symbols + 15) / 16);
  for (int64_t i = 0; a.with_noise && i < words; ++i) writable(a.noise)[i] = uint16_t(rng.next32());
  for (int64_t r = 0; a.with_noise && r < a.rows; ++r)
    writable(a.steps)[r] = int32_t(int64_t(rng.below(2 * uint64_t(most_step) + 1)) - most_step);
  if (a.biased) fill_f32(a.bias, a.symbols, rng, -3, 3);
}

// Columns that do not exist hold codes too: as in a matrix that was packed with more symbols.
inline void pack_columns(Args& a, const std::vector<int8_t>& b) {
  gemm_s8::pack(b.data(), a.k, int(gemm_s8::padded_n(a.symbols)), a.k, writable(a.b));
}

inline void fill_random(Args& a, Random& rng) {
  fill_i8(a.a, (a.rows - 1) * a.lda + a.k, rng);
  std::vector<int8_t> b(size_t(gemm_s8::padded_n(a.symbols)) * a.k);
  fill_i8(b.data(), int64_t(b.size()), rng);
  pack_columns(a, b);
  fill_rest(a, rng, 1 << 20);
}

// Every product at its largest, so that a 16-bit pair sum or a 32-bit sum that can overflow does:
// column j meets row r with equal signs or opposite ones. Noise at the end of its range, outwards.
inline void fill_worst(Args& a, Random& rng) {
  for (int64_t i = 0; i < (a.rows - 1) * a.lda + a.k; ++i)
    writable(a.a)[i] = i % a.lda % 3 == 0 ? 127 : -127;
  std::vector<int8_t> b(size_t(gemm_s8::padded_n(a.symbols)) * a.k);
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = int8_t(i / size_t(a.k) % 2 == 0 ? a.a[i % size_t(a.k)] : -a.a[i % size_t(a.k)]);
  pack_columns(a, b);
  const int64_t largest = int64_t(127) * 127 * a.k;
  fill_rest(a, rng, int32_t((int64_t(1) << 31) - 1 - largest));
  for (int64_t r = 0; r < a.rows && a.with_noise; ++r)
    writable(a.steps)[r] = int32_t((int64_t(1) << 31) - 1 - largest);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, Args a, void (*fill)(Args&, Random&) = fill_random) {
    if (a.lda == 0) a.lda = a.k;
    if (a.scale == 1) a.scale = 1e-4f;
    all.push_back({.name = std::move(name), .args = a, .seed = seed++, .fill = fill});
  };
  // Panels of every number that a tile has, with a pack of every size behind them and without.
  for (int symbols : {1,  2,  15, 16, 17, 31, 32, 33, 48,  64,  65,  66,  67,
                      68, 69, 80, 81, 84, 85, 96, 97, 128, 129, 160, 255, 256})
    add("symbols" + std::to_string(symbols), {.rows = 20,
                                              .symbols = symbols,
                                              .k = 64 + symbols % 7,
                                              .biased = symbols % 3 != 0,
                                              .eps = symbols > 64 ? 1e-9f : 0.0f});
  for (int rows : {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 130})
    add("rows" + std::to_string(rows), {.rows = rows, .symbols = 65, .k = 24, .biased = true});
  for (int k : {1, 2, 3, 4, 5, 15, 16, 17, 130})
    add("k" + std::to_string(k), {.rows = 9, .symbols = 65, .k = k, .biased = true});
  for (int symbols : {12, 48, 65, 68, 80, 97, 256})
    for (int share : {1, 5, 32})
      add("noise" + std::to_string(symbols) + "_share" + std::to_string(share),
          {.rows = 67,
           .symbols = symbols,
           .k = 32 + symbols % 4,
           .biased = true,
           .with_noise = true,
           .share = share});
  add("overlap", {.rows = 40, .symbols = 70, .k = 96, .lda = 32, .biased = true});
  // More of a than a task keeps a copy of.
  for (bool noise : {false, true})
    add(noise ? "wide_rows_noise" : "wide_rows",
        {.rows = 64, .symbols = 67, .k = 130, .lda = 2001, .biased = true, .with_noise = noise});
  add("all_equal", {.rows = 33, .symbols = 65, .k = 16, .scale = 0});
  add("steep", {.rows = 33, .symbols = 130, .k = 64, .biased = true, .scale = 0.5f});
  add("large_eps", {.rows = 17, .symbols = 20, .k = 8, .eps = 0.5f});
  add("worst", {.rows = 6, .symbols = 18, .k = gemm_s8::kMaxK, .biased = true, .scale = 1e-9f},
      fill_worst);
  add("worst_noise",
      {.rows = 6, .symbols = 18, .k = 512, .biased = true, .scale = 1e-9f, .with_noise = true},
      fill_worst);
  for (auto [symbols, k] : {std::array{65, 64},
                            {65, 128},
                            {80, 64},
                            {80, 128},
                            {96, 64},
                            {96, 128},
                            {256, 64},
                            {256, 128}})
    all.push_back(
        {.name = "bench_m64_n" + std::to_string(symbols) + "_k" + std::to_string(k),
         .args = {.rows = 64, .symbols = symbols, .k = k, .lda = k, .biased = true, .scale = 1e-4f},
         .fill = fill_random,
         .bench = true});
  return all;
}

}  // namespace nibble::gemm_s8_cross_entropy
