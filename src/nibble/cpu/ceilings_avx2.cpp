#include <immintrin.h>

#include "nibble/cpu/ceilings_loops.h"

namespace nibble::cpu {
namespace {

inline __m256i load(const std::byte* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}
inline uint64_t fold(__m256i v) {
  const __m128i x = _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  return uint64_t(_mm_extract_epi64(x, 0)) ^ uint64_t(_mm_extract_epi64(x, 1));
}

// A load and an xor a line; eight lines a round.
template <int kAhead>
inline uint64_t read(const std::byte* p, size_t bytes) {
  __m256i acc[4] = {};
  for (size_t i = 0; i < bytes; i += 512) {
    if constexpr (kAhead > 0) {
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j)
        _mm_prefetch(reinterpret_cast<const char*>(p + i + kAhead + 64 * j), _MM_HINT_T0);
    }
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) acc[j % 4] = _mm256_xor_si256(acc[j % 4], load(p + i + 32 * j));
  }
  return fold(_mm256_xor_si256(_mm256_xor_si256(acc[0], acc[1]), _mm256_xor_si256(acc[2], acc[3])));
}

}  // namespace

// Eight chains of vpmaddubsw, vpmaddwd by ones, vpaddd: an int8 dot product without VNNI.
uint64_t avx2_int8(int64_t rounds) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i acc[8] = {}, x = _mm256_set1_epi8(3), w = _mm256_set1_epi8(-5);
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) __asm__ volatile("" : "+x"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      __asm__ volatile("" : "+x"(x));  // the product is not the last one's
      acc[j] = _mm256_add_epi32(acc[j], _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), ones));
    }
  }
  __m256i sum = acc[0];
  for (int j = 1; j < 8; ++j) sum = _mm256_add_epi32(sum, acc[j]);
  return fold(sum);
}

// What NVFP4 blocks of 8 rows and one token need without VNNI, all operands in registers: four
// products of bytes, which 16 bits can hold the sum of, so that they share one vpmaddwd; then a
// conversion and an FMA with the block's scale. More than vpmaddubsw_ymm, where each has its own.
uint64_t avx2_nvfp4_mix(int64_t rounds) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256 acc[4] = {}, scale = _mm256_set1_ps(0.5f);
  __m256i x = _mm256_set1_epi8(3), w = _mm256_set1_epi8(-5);
  __asm__ volatile("" : "+x"(scale));
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) __asm__ volatile("" : "+x"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      __m256i pairs[4];
#pragma GCC unroll 4
      for (int d = 0; d < 4; ++d) {
        __asm__ volatile("" : "+x"(x));  // the product is not the last one's
        pairs[d] = _mm256_maddubs_epi16(x, w);
      }
      const __m256i sum = _mm256_add_epi16(_mm256_add_epi16(pairs[0], pairs[1]),
                                           _mm256_add_epi16(pairs[2], pairs[3]));
      acc[j] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(sum, ones)), scale, acc[j]);
    }
  }
  __m256 sum = acc[0];
  for (int j = 1; j < 4; ++j) sum = _mm256_add_ps(sum, acc[j]);
  return fold(_mm256_castps_si256(sum));
}

// Ternary weights and bytes without VNNI: a pair of products is at most 2 * 2 * 127, so that 16
// bits hold sixteen and more of them, and a vpmaddwd and a vpaddd for each sixteen.
uint64_t avx2_ternary_mix(int64_t rounds) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i acc[2] = {}, x = _mm256_set1_epi8(1), w = _mm256_set1_epi8(-3);
  for (int64_t i = 0; i < rounds; ++i) {
    __m256i pairs[8] = {};
#pragma GCC unroll 16
    for (int d = 0; d < 16; ++d) {
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) {
        // The product is not the last one's, and is added before the next is made.
        __asm__ volatile("" : "+x"(x), "+x"(pairs[j]));
        pairs[j] = _mm256_add_epi16(pairs[j], _mm256_maddubs_epi16(x, w));
      }
    }
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j)
      acc[j % 2] = _mm256_add_epi32(acc[j % 2], _mm256_madd_epi16(pairs[j], ones));
  }
  return fold(_mm256_add_epi32(acc[0], acc[1]));
}

// Twelve chains: two ports times five cycles, and room to spare in 16 registers.
uint64_t avx2_fma(int64_t rounds) {
  __m256 acc[12] = {}, x = _mm256_set1_ps(0.5f), w = _mm256_set1_ps(1.5f);
  __asm__ volatile("" : "+x"(x), "+x"(w));
#pragma GCC unroll 12
  for (int j = 0; j < 12; ++j) __asm__ volatile("" : "+x"(acc[j]));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) acc[j] = _mm256_fmadd_ps(acc[j], x, w);
  }
  __m256 sum = acc[0];
  for (int j = 1; j < 12; ++j) sum = _mm256_add_ps(sum, acc[j]);
  return fold(_mm256_castps_si256(sum));
}

uint64_t avx2_read(const std::byte* p, size_t bytes) { return read<0>(p, bytes); }
// Past the caches: what is written need not be read first.
void avx2_copy_stream(std::byte* to, const std::byte* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 128) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j)
      _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i + 32 * j), load(from + i + 32 * j));
  }
  _mm_sfence();
}
uint64_t avx2_read_ahead(const std::byte* p, size_t bytes) { return read<1024>(p, bytes); }
uint64_t avx2_read_far_ahead(const std::byte* p, size_t bytes) { return read<4096>(p, bytes); }

uint64_t avx2_read_streams(const std::byte* p, size_t bytes) {
  const size_t quarter = bytes / 4;
  __m256i acc[4] = {};
  for (size_t i = 0; i < quarter; i += 64) {
#pragma GCC unroll 4
    for (size_t s = 0; s < 4; ++s) {
      const std::byte* q = p + s * quarter + i;
      acc[s] = _mm256_xor_si256(acc[s], _mm256_xor_si256(load(q), load(q + 32)));
    }
  }
  return fold(_mm256_xor_si256(_mm256_xor_si256(acc[0], acc[1]), _mm256_xor_si256(acc[2], acc[3])));
}

}  // namespace nibble::cpu
