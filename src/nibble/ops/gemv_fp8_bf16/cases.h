// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemv_fp8_bf16/gemv_fp8_bf16.h"

namespace nibble::gemv_fp8_bf16 {

// Codes of rows and columns that exist; rows of the padding are anything, columns zeros.
inline void fill_w(Args& a, Random& rng, uint8_t (*code)(Random&)) {
  const int64_t panel = kLayout.panel_bytes(a.k);
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) {
    const int64_t row = i / panel * kLayout.rows + i % 64 / 4, column = i % panel / 64 * 4 + i % 4;
    writable(a.w)[i] = column >= a.k ? uint8_t(0) : row >= a.n ? uint8_t(rng.next32()) : code(rng);
  }
}
inline void fill_factors(Args& a, Random& rng) {
  if (factors(a) > 0) fill_f32(a.w_scale, factors(a), rng, -1e-2f, 1e-2f);
  fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
}
// All codes but NaN, subnormals too; activations of 2^-`span` to 2^`span` and zeros.
inline void fill_codes(Args& a, Random& rng, int span) {
  fill_w(a, rng, [](Random& r) {
    const auto code = uint8_t(r.next32());
    return (code & 0x7f) == 0x7f ? uint8_t(code & 0x81) : code;
  });
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) {
    const auto sign_and_fraction = uint16_t(rng.next32() & 0x807f);
    const int exponent = 127 - span + int(rng.below(uint64_t(2 * span)));
    writable(a.x)[i] = {rng.below(16) == 0 ? uint16_t(sign_and_fraction & 0x8000)
                                           : uint16_t(sign_and_fraction | exponent << 7)};
  }
  fill_factors(a, rng);
}
inline void fill_random(Args& a, Random& rng) { fill_codes(a, rng, 4); }
inline void fill_wide(Args& a, Random& rng) { fill_codes(a, rng, 40); }
// Subnormal activations alone: products and sums are subnormal floats.
inline void fill_tiny(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) writable(a.x)[i].bits &= 0x807f;
  if (factors(a) > 0) fill_f32(a.w_scale, factors(a), rng, -1, 1);
}
// NaN codes in some weight rows and activations; factors that are infinite, subnormal, 0 and NaN.
inline void fill_special(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t j = 0; j < a.n; j += 3)
    writable(
        a.w)[j / 16 * kLayout.panel_bytes(a.k) + kLayout.code_offset(int(j % 16), int(j % 5))] =
        j % 2 != 0 ? 0x7f : 0xff;
  constexpr uint16_t kFew[] = {0x7f80, 0xff80, 0x7fc0, 0xffa1};  // infinities, NaNs
  for (int64_t i = 0; i < a.m; i += 2) writable(a.x)[i * a.ldx + a.k / 2] = {kFew[i / 2 % 4]};
  const float few[] = {bit_cast<float>(0x7f800000u), 0x1p-127f, 0.0f, bit_cast<float>(0x7fc00000u)};
  for (int64_t j = 1; j < factors(a); j += 4) writable(a.w_scale)[j] = few[j / 4 % 4];
}
// The greatest products, all of one sign: every addition rounds, and in its own place only.
inline void fill_worst(Args& a, Random& rng) {
  fill_w(a, rng, [](Random& r) { return uint8_t(0x7e - (r.below(9) == 0)); });
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) writable(a.x)[i] = {0x3fff};
  fill_factors(a, rng);
}

// Pairs of a batch differ.
template <void (*kFill)(Args&, Random&)>
void fill_each(Args& a, Random& rng) {
  for (int64_t l = 0; l < a.batch; ++l) {
    Args one = entry(a, l);
    kFill(one, rng);
  }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  const auto add = [&](std::string name, int m, int n, int k, Factors f,
                       void (*fill)(Args&, Random&), int batch = 1) {
    const uint64_t seed = all.size() + 1;
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    // Of some cases rows of x begin at multiples of 16 bytes.
    Args a{.batch = batch, .m = m, .n = n, .k = k, .ldx = k + int(seed % 2 * 3)};
    a.ldy = n + int(seed % 3), a.w_factors = f;
    all.push_back(
        {.name = name, .args = a, .seed = seed, .fill = fill, .bench = name.starts_with("bench")});
  };
  constexpr struct {
    const char* name;
    Factors factors;
  } kFactors[] = {{"none", Factors::none}, {"rows", Factors::rows}, {"tiles", Factors::blocks}};
  for (const auto& f : kFactors) {
    for (int m : {1, 2, 3, 4, 7, 8}) add(f.name, m, 33, 200, f.factors, fill_wide);
    for (int k : {1, 15, 16, 17, 128, 129, 1000}) add(f.name, 1, 18, k, f.factors, fill_random);
    add(std::string("special_") + f.name, 3, 150, 150, f.factors, fill_special);
    add(std::string("tiny_") + f.name, 1, 20, 144, f.factors, fill_tiny);
    add(std::string("worst_") + f.name, 2, 17, 1200, f.factors, fill_worst);
    for (int m : {1, 3})
      add(std::string("l3_") + f.name, m, 150, 200, f.factors, fill_each<fill_special>, 3);
  }
  for (int n : {1, 15, 16, 17, 32}) add("rows", 1 + n % 2, n, 130, Factors::rows, fill_wide);
  add("strips", 2, 260, 300, Factors::blocks, fill_random);
  add("wraps", 1, 16, 9 * 1024 + 80, Factors::blocks, fill_random);  // no warp has all of K
  add("l5", 1, 600, 600, Factors::rows, fill_each<fill_wide>, 5);    // split alone, not as five
  add("panels", 1, 6100, 144, Factors::rows, fill_random);           // several a block
  for (int m : {1, 8}) add("bench", m, 7168, 16384, Factors::rows, fill_random);
  add("bench_tiles", 1, 7168, 16384, Factors::blocks, fill_random);
  add("bench", 1, 4096, 7168, Factors::rows, fill_random);
  add("bench", 1, 7168, 2048, Factors::rows, fill_random);
  add("bench_l4", 1, 7168, 2048, Factors::rows, fill_each<fill_random>, 4);
  return all;
}

}  // namespace nibble::gemv_fp8_bf16
