// Cases of the ops of cpu/fp8_panels.h. An op brings Inputs with its Args and, for the elements of
// x: any(Random&), special(row), which are not finite, and the greatest, kGreatest.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/cpu/fp8_product_reference.h"

namespace nibble::cpu {

inline uint8_t finite_e4m3(Random& rng) {  // all codes but the two of NaN
  const auto code = uint8_t(rng.next32());
  return (code & 0x7f) == 0x7f ? code & 0x81 : code;
}

// bf16 activations.
template <class OpArgs>
struct Fp8Bf16Inputs {
  using Args = OpArgs;
  static constexpr bf16 kGreatest{0x3fff};  // below 2: no sum is infinite

  // Of any size from 2^-40 to 2^40; some zeros, subnormals and others that count as zeros.
  static bf16 any(Random& rng) {
    const auto sign_and_fraction = uint16_t(rng.next32() & 0x807f);
    const int exponent = rng.below(5) == 0 ? int(rng.below(27)) : 87 + int(rng.below(80));
    return {uint16_t(sign_and_fraction | exponent << 7)};
  }
  // Around 2^-100, below which they count as zeros, and often that itself.
  static bf16 least(Random& rng) {
    const uint32_t bits = rng.next32() & (rng.below(2) == 0 ? 0x807f : 0x8000);
    return {uint16_t(bits | (26 + rng.below(3)) << 7)};
  }
  static bf16 special(int64_t i) {  // infinities, NaNs
    constexpr uint16_t kFew[] = {0x7f80, 0xff80, 0x7fc0, 0xffa1};
    return {kFew[i % 4]};
  }
};

template <class Inputs>
struct Fp8Cases {
  using Args = typename Inputs::Args;

  template <class Make>
  static void fill_x(Args& a, Make&& make) {
    for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) writable(a.x)[i] = make();
  }
  // Rows of the padding are anything, columns zeros.
  static void fill_w(Args& a, Random& rng, uint8_t (*code)(Random&)) {
    const int64_t panel = kFp8Layout.panel_bytes(a.k);
    for (int64_t i = 0; i < kFp8Layout.bytes(a.n, a.k); ++i) {
      const int64_t row = i / panel * kFp8Layout.rows + i % 64 / 4;
      const int64_t column = i % panel / 64 * 4 + i % 4;
      writable(a.w)[i] = column >= a.k ? uint8_t(0)
                         : row >= a.n  ? uint8_t(rng.next32())
                                       : code(rng);
    }
  }
  static void fill_scales(Args& a, Random& rng) {
    const int64_t count = fp8_factors(a.w_factors, a.n, kFp8Block, a.k);
    if (count > 0) fill_f32(a.w_scale, count, rng, -1e-2f, 1e-2f);
    if constexpr (requires { a.x_scale; })
      if (const int64_t of_x = fp8_factors(a.x_factors, a.m, 1, a.k); of_x > 0)
        fill_f32(a.x_scale, of_x, rng, -1, 1);
    fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
  }
  static void fill_random(Args& a, Random& rng) {
    fill_w(a, rng, finite_e4m3);
    fill_x(a, [&] { return Inputs::any(rng); });
    fill_scales(a, rng);
  }
  static void fill_least(Args& a, Random& rng) {
    fill_random(a, rng);
    if constexpr (requires { Inputs::least(rng); }) fill_x(a, [&] { return Inputs::least(rng); });
  }
  // NaN codes in some weight rows, activations that are not finite in some tokens; factors that are
  // infinite, subnormal, 0 and NaN.
  static void fill_special(Args& a, Random& rng) {
    fill_random(a, rng);
    for (int64_t j = 0; j < a.n; j += 3)
      writable(a.w)[j / 16 * kFp8Layout.panel_bytes(a.k) +
                    kFp8Layout.code_offset(int(j % 16), int(j % 5))] = j % 2 != 0 ? 0x7f : 0xff;
    for (int64_t i = 0; i < a.m; i += 5)
      writable(a.x)[i * a.ldx + a.k / 2] = Inputs::special(i / 5);
    const float few[] = {bit_cast<float>(0x7f800000u), 0x1p-127f, 0.0f,
                         bit_cast<float>(0x7fc00000u), 3e38f};
    const int64_t count = fp8_factors(a.w_factors, a.n, kFp8Block, a.k);
    for (int64_t j = 1; j < count; j += 4) writable(a.w_scale)[j] = few[j / 4 % 5];
  }
  // The greatest products, all of one sign: every addition rounds, and in its own place only.
  static void fill_worst(Args& a, Random& rng) {
    fill_w(a, rng, [](Random& r) { return uint8_t(0x7e - (r.below(9) == 0)); });
    fill_x(a, [] { return Inputs::kGreatest; });
    fill_scales(a, rng);
  }

  static std::vector<Case<Args>> all() {
    std::vector<Case<Args>> all;
    uint64_t seed = 1;
    const auto add = [&](std::string name, int64_t m, int n, int k, Fp8Factors w_factors,
                         void (*fill)(Args&, Random&), bool bench = false) {
      Args a{.m = m, .n = n, .k = k, .ldx = k + int(seed % 3), .ldy = n + int(seed % 2)};
      a.w_factors = w_factors;
      if constexpr (requires { a.x_factors; })
        a.x_factors = bench ? w_factors : Fp8Factors(seed % 3);
      name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
      all.push_back({.name = name, .args = a, .seed = seed++, .fill = fill, .bench = bench});
    };
    constexpr struct {
      const char* name;
      Fp8Factors factors;
    } kFactors[] = {
        {"none", Fp8Factors::none}, {"rows", Fp8Factors::rows}, {"tiles", Fp8Factors::blocks}};
    for (const auto& f : kFactors) {
      for (int m : {1, 2, 3, 4, 5, 6, 7, 11, 13}) add(f.name, m, 33, 200, f.factors, fill_random);
      for (int n : {1, 15, 16, 17, 31, 32, 63, 65})
        add(f.name, 1 + n % 3, n, 130, f.factors, fill_random);
      for (int k : {1, 2, 3, 5, 64, 65, 127, 128, 129, 192, 256, 1000}) {
        add(f.name, 1, 18, k, f.factors, fill_random);
        add(f.name, 7, 18, k, f.factors, fill_random);
      }
      add(std::string("special_") + f.name, 17, 150, 150, f.factors, fill_special);
      add(std::string("worst_") + f.name, 2, 17, 4200, f.factors, fill_worst);
    }
    if constexpr (requires(Random & r) { Inputs::least(r); })
      for (int m : {1, 7}) add("least", m, 33, 200, Fp8Factors::none, fill_least);
    add("strips", 2, 260, 300, Fp8Factors::blocks, fill_random);
    // More rows than a block of them has, with every kind of factors of theirs.
    for (int n : {5, 6, 7}) add("blocks", 100, n, 2800, Fp8Factors::rows, fill_random);
    for (const auto& f : {kFactors[1], kFactors[2]}) {
      const bool rows = f.factors == Fp8Factors::rows;
      const std::string name = rows ? "bench" : "bench_tiles";
      for (int m : {1, 2, 4, 8, 128, 512}) add(name, m, 4096, 4096, f.factors, fill_random, true);
      if (rows) add(name, 1, 14336, 4096, f.factors, fill_random, true);
      if (rows) add(name, 1, 512, 512, f.factors, fill_random, true);  // in L2
    }
    return all;
  }
};

}  // namespace nibble::cpu
