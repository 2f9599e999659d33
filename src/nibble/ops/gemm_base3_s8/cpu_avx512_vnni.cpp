#include "nibble/cpu/s8_panels_avx512.h"
#include "nibble/ops/gemm_base3_s8/ordered.h"

namespace nibble::gemm_base3_s8 {
namespace {

// Of every byte: digits 0 to 3 as two bits each, and digit 4.
struct Digits {
  alignas(64) uint8_t four[256], fifth[256];
};
constexpr Digits digits() {
  Digits d{};
  for (int b = 0; b < 256; ++b) {
    for (int j = 0; j < 4; ++j)
      d.four[b] = uint8_t(d.four[b] | (base3_at(uint8_t(b), j) + 1) << 2 * j);
    d.fifth[b] = uint8_t(base3_at(uint8_t(b), 4) + 1);
  }
  return d;
}
constexpr Digits kDigits = digits();

struct Base3Lines {
  static constexpr Base3Panel kLayout{cpu::kPanelRows};
  static constexpr int kBias = 1, kSteps = 5, kAlone = 2;

  static __m512i load(const uint8_t* p) { return _mm512_load_si512(p); }
  // What a table says of each byte: the half for bytes from 128 on replaces these, the other the
  // rest. Looked up once for all steps of a line: the compiler sees that it is the same.
  static __m512i found(const uint8_t* table, __m512i line) {
    const auto part = [&](int i) { return _mm512_load_si512(table + 64 * i); };
    const __mmask64 high = _mm512_cmplt_epi8_mask(line, _mm512_setzero_si512());
    const __m512i v = _mm512_mask2_permutex2var_epi8(part(2), line, high, part(3));
    return _mm512_mask2_permutex2var_epi8(
        part(0), v, _mm512_cmpge_epi8_mask(line, _mm512_setzero_si512()), part(1));
  }
  static __m512i step(__m512i line, int j) {
    if (j == 4) return found(kDigits.fifth, line);
    const __m512i four = found(kDigits.four, line), low = _mm512_set1_epi8(3);
    if (j == 0) return _mm512_and_si512(four, low);
    if (j == 1) return _mm512_and_si512(_mm512_srli_epi16(four, 2), low);
    if (j == 2) return _mm512_and_si512(_mm512_srli_epi16(four, 4), low);
    return _mm512_and_si512(_mm512_srli_epi16(four, 6), low);
  }
  static __m512i in_place(__m512i line, int j) {
    if (j == 4) return found(kDigits.fifth, line);
    return _mm512_and_si512(found(kDigits.four, line), _mm512_set1_epi8(char(3 << 2 * j)));
  }
  static __m512i unplaced(__m512i sum, int j) {
    return _mm512_sra_epi32(sum, _mm_cvtsi32_si128(j == 4 ? 0 : 2 * j));
  }
};

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l)
    cpu::run_s8_avx512<Base3Lines>(ordered<1>(entry(a, l), e.pool), e);
}

}  // namespace nibble::gemm_base3_s8
