// Activations in the order in which the digits of base-3 panels come (numerics/base3_panel.h): of
// 20 columns four of five apart are a group, so that digit j of a register meets group j. For files
// compiled for x86-64 ISAs only.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "nibble/numerics/base3_panel.h"

namespace nibble::cpu {
namespace {

constexpr int kBase3Step = Base3Panel::dword_k();  // columns of a register

// Groups 0 to 3 of columns x to x + 19 to `four`, the last to `fifth`.
inline void base3_groups(const int8_t* x, int8_t* four, int8_t* fifth) {
  const auto load = [](const int8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  };
  const __m128i low = load(x), high = load(x + 4);  // columns 0 to 15, and 4 to 19
  const __m128i groups = _mm_or_si128(
      _mm_shuffle_epi8(low, _mm_setr_epi8(0, 5, 10, 15, 1, 6, 11, -1, 2, 7, 12, -1, 3, 8, 13, -1)),
      _mm_shuffle_epi8(
          high, _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, 12, -1, -1, -1, 13, -1, -1, -1, 14)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(four), groups);
  const __m128i last = _mm_shuffle_epi8(
      high, _mm_setr_epi8(0, 5, 10, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  const int32_t group = _mm_cvtsi128_si32(last);
  std::memcpy(fifth, &group, 4);
}

// A row of k columns, zeros behind them, to `padded`, a multiple of 20 kTogether: the groups of
// kTogether registers are their digits 0 to 3, register after register, and then their digits 4.
template <int kTogether>
void base3_order(const int8_t* x, int64_t k, int64_t padded, int8_t* to) {
  for (int64_t c = 0; c < padded; c += kBase3Step) {
    const int64_t q = c / kBase3Step % kTogether;
    int8_t* block = to + c - q * kBase3Step;
    int8_t rest[kBase3Step] = {};
    const bool whole = c + kBase3Step <= k;
    if (!whole && c < k) std::memcpy(rest, x + c, size_t(k - c));
    base3_groups(whole ? x + c : rest, block + 16 * q, block + 16 * kTogether + 4 * q);
  }
}

}  // namespace
}  // namespace nibble::cpu
