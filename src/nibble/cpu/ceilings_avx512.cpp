#include <immintrin.h>

#include "nibble/cpu/ceilings_loops.h"

namespace nibble::cpu {
namespace {

inline __m512i load(const std::byte* p) { return _mm512_load_si512(p); }
inline uint64_t fold(__m512i v) { return uint64_t(_mm512_reduce_or_epi64(v)); }

// A load and an xor a line; eight lines a round.
template <int kAhead>
inline uint64_t read(const std::byte* p, size_t bytes) {
  __m512i acc[4] = {};
  for (size_t i = 0; i < bytes; i += 512) {
    if constexpr (kAhead > 0) {
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j)
        _mm_prefetch(reinterpret_cast<const char*>(p + i + kAhead + 64 * j), _MM_HINT_T0);
    }
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) acc[j % 4] = _mm512_xor_si512(acc[j % 4], load(p + i + 64 * j));
  }
  return fold(_mm512_xor_si512(_mm512_xor_si512(acc[0], acc[1]), _mm512_xor_si512(acc[2], acc[3])));
}

}  // namespace

// Sixteen chains: two ports times at most five cycles, and room to spare.
uint64_t avx512_fma(int64_t rounds) {
  __m512 acc[16] = {}, x = _mm512_set1_ps(0.5f), w = _mm512_set1_ps(1.5f);
  __asm__ volatile("" : "+v"(x), "+v"(w));
#pragma GCC unroll 16
  for (int j = 0; j < 16; ++j) __asm__ volatile("" : "+v"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) acc[j] = _mm512_fmadd_ps(acc[j], x, w);
  }
  __m512 sum = acc[0];
  for (int j = 1; j < 16; ++j) sum = _mm512_add_ps(sum, acc[j]);
  return fold(_mm512_castps_si512(sum));
}

// Eight chains of vpmaddubsw, vpmaddwd by ones, vpaddd: an int8 dot product without VNNI.
uint64_t avx512_int8(int64_t rounds) {
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i acc[8] = {}, x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(-5);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      __asm__ volatile("" : "+v"(x));  // the product is not the last one's
      acc[j] = _mm512_add_epi32(acc[j], _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), ones));
    }
  }
  __m512i sum = acc[0];
  for (int j = 1; j < 8; ++j) sum = _mm512_add_epi32(sum, acc[j]);
  return fold(sum);
}

uint64_t avx512_read(const std::byte* p, size_t bytes) { return read<0>(p, bytes); }
uint64_t avx512_read_ahead(const std::byte* p, size_t bytes) { return read<1024>(p, bytes); }
uint64_t avx512_read_far_ahead(const std::byte* p, size_t bytes) { return read<4096>(p, bytes); }

uint64_t avx512_read_streams(const std::byte* p, size_t bytes) {
  const size_t quarter = bytes / 4;
  __m512i acc[4] = {};
  for (size_t i = 0; i < quarter; i += 128) {
#pragma GCC unroll 4
    for (size_t s = 0; s < 4; ++s) {
      const std::byte* q = p + s * quarter + i;
      acc[s] = _mm512_xor_si512(acc[s], _mm512_xor_si512(load(q), load(q + 64)));
    }
  }
  return fold(_mm512_xor_si512(_mm512_xor_si512(acc[0], acc[1]), _mm512_xor_si512(acc[2], acc[3])));
}

}  // namespace nibble::cpu
