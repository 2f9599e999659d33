// Products of fp4 panels with tokens of int8, or of NVFP4, which become int8 and factors of their
// blocks: what the variants of all such ops share. The arithmetic is numerics/fp4_sums.h; a kernel
// K (fp4_s8_portable.h, fp4_s8_avx2.h, fp4_s8_avx512.h) brings the inner loops:
//
//   few<F, T>      T tokens, T <= kFew<F>, of a panel, which is decoded in registers: the panel is
//                  read again for the next T
//   unpack<F, P>   P panels to bytes and factors, side by side, once for any number of tokens, for
//                  what follows; returns a bit for each row with NaN that factors do not tell
//   many<F, P, T>  T tokens, T <= kMany<F>, of P unpacked panels
//
// and says in kReadAgain<F> for how many tokens reading again costs less than unpacking. Tokens are
// repacked first, tile by tile of so many as a loop takes:
//
//   block 0: T int32, what the sums of the tokens start at; if tokens have them, T factors;
//            T * kBlock bytes, token by token
//   block 1: ...
//
// and where panels are unpacked, chunk by chunk of columns: whatever ldx is, all is read in order.
#pragma once
#include <algorithm>
#include <array>
#include <utility>

#include "nibble/base/op.h"
#include "nibble/base/parallel.h"
#include "nibble/cpu/token_tiles.h"
#include "nibble/numerics/fp4_sums.h"

namespace nibble::cpu {
namespace {

// kScaled: blocks of tokens have scales, too.
template <int kColumns, bool kScaled = false>
struct Fp4Panels {
  static constexpr PanelLayout kLayout{16, PanelCodes::fp4, kColumns};
  static constexpr int kBlock = kColumns;  // columns that share a scale
  static constexpr bool kTokenScales = kScaled;
  static constexpr float kOfDoubled = kScaled ? 0.25f : 0.5f;  // sums of doubled elements
  static constexpr int kQuads = kBlock / 4;                // dwords of bytes of a row of a block
  static constexpr int kCodeBytes = 16 * kBlock / 2;       // of a block of a panel
  static constexpr int kTileBytes = kLayout.tile_bytes();  // 64 of scales, and 4 blocks
  static constexpr int kTokenHead = kScaled ? 8 : 4;       // repacked, before a block's values
  static constexpr int64_t token_bytes(int64_t tokens) {   // repacked, of a block
    return tokens * (kTokenHead + kBlock);
  }
  static constexpr int unpacked_bytes(int panels) { return 64 * panels * (kQuads + 1); }
};
using Nvfp4Panels = Fp4Panels<16>;
using Mxfp4Panels = Fp4Panels<32>;
using Nvfp4Pairs = Fp4Panels<16, true>;

// Tokens as they come.
struct S8Tokens {
  const int8_t* x = nullptr;
  int64_t ldx = 0;
  S8Tokens from(int64_t token, int k) const { return {x + token * ldx + k, ldx}; }
};
struct Nvfp4Tokens {
  const e2m1x2* x = nullptr;
  const e4m3* scales = nullptr;
  int64_t ldx = 0, blocks = 0;
  Nvfp4Tokens from(int64_t token, int k) const {
    return {x + (token * ldx + k) / 2, scales + token * blocks + k / 16, ldx, blocks};
  }
};
template <class Args>
auto fp4_rows(const Args& a) {
  if constexpr (requires { a.x_blocks; })
    return Nvfp4Tokens{a.x, a.x_blocks, a.ldx, a.k / 16};
  else
    return S8Tokens{a.x, a.ldx};
}
// Factors of tokens. One NaN among the scales of its blocks makes that of a token NaN, so that
// kernels need not know it.
template <class Args>
const float* fp4_token_scales(const Args& a) {
  if constexpr (requires { a.token_scale; })
    return a.token_scale;
  else
    return a.x_scale;
}
template <class Args>
void fp4_put_token_scales(const Args& a, int64_t begin, int64_t end) {
  if constexpr (requires { a.token_scale; })
    for (int64_t i = begin; i < end; ++i) {
      const e4m3* scales = a.x_blocks + i * (a.k / 16);
      bool nan = false;
      for (int b = 0; b < a.k / 16; ++b) nan |= (scales[b].bits & 0x7f) == 0x7f;
      a.token_scale[i] = nan ? bit_cast<float>(kFp4Nan) : a.x_scale[i];
    }
}

// Bytes that a panel is prefetched ahead, and twice as far one line of each tile of NVFP4, which
// starts the prefetchers of L2 on a page before its first lines are wanted.
constexpr int kFp4Ahead = 8192;
constexpr int kFp4Chunk = 512;                // columns that are unpacked at a time
constexpr int64_t kFp4PackTokens = 64;        // tokens that are repacked by a task
constexpr int kFp4Tiles = 32;                 // tiles of tokens that share an unpacked chunk
constexpr int64_t kFp4TaskBytes = 256 << 10;  // of panels read: long runs for prefetchers

// What blocks of tokens are multiplied with, by the magnitude of their scale's code.
constexpr std::array<uint32_t, 128> fp4_token_factors(float unit) {
  std::array<uint32_t, 128> bits{};
  for (int i = 0; i < 128; ++i) bits[size_t(i)] = float_bits(to_float(e4m3{uint8_t(i)}) * unit);
  return bits;
}

template <int kTimes>
constexpr std::array<uint8_t, 16 * kTimes> fp4_repeated_codes() {
  std::array<uint8_t, 16 * kTimes> all{};
  for (int i = 0; i < 16 * kTimes; ++i) all[size_t(i)] = fp4_offset_code(i % 16);
  return all;
}

// Repacked tokens.
struct Fp4Tokens {
  int64_t m = 0;
  int blocks = 0;
  const uint8_t* packed = nullptr;
};

// What few<> and many<> left for tokens begin .. begin + count: 16 rows of token t, panel p.
struct Fp4Sums {
  int64_t begin;
  int count;
  const float* sums;
  int token_stride, panel_stride;
  const float* of(int t, int p) const { return sums + t * token_stride + p * panel_stride; }
};

template <class K, class F, int... kTokens>
constexpr auto fp4_few_table(std::integer_sequence<int, kTokens...>) {
  return std::array{&K::template few<F, kTokens + 1>...};
}
template <class K, class F, size_t P, int... kTokens>
constexpr auto fp4_many_table(std::integer_sequence<int, kTokens...>) {
  return std::array{&K::template many<F, P, kTokens + 1>...};
}

// The portable kernel does nothing but read again.
template <class K, class F>
constexpr bool kFp4Unpacks = requires {
  K::template kMany<F>;
};

// Tokens of a tile.
template <class K, class F>
constexpr int fp4_width(int64_t m) {
  int widest = K::template kFew<F>;
  if constexpr (kFp4Unpacks<K, F>)
    if (m > K::template kReadAgain<F>) widest = K::template kMany<F>;
  return int(std::min<int64_t>(m, widest));
}

// Blocks of a chunk.
template <class K, class F>
constexpr int fp4_chunk(int64_t m, int blocks) {
  if constexpr (kFp4Unpacks<K, F>)
    if (m > K::template kReadAgain<F>) return kFp4Chunk / F::kBlock;
  return blocks;
}

// Repacks those tiles of m tokens that begin within begin .. end.
template <class K, class F, class Rows>
void fp4_pack_tiles(const Rows& x, int64_t m, int blocks, uint8_t* packed, int64_t begin,
                    int64_t end) {
  const int width = fp4_width<K, F>(m), chunk = fp4_chunk<K, F>(m, blocks);
  const int64_t first = (std::max<int64_t>(0, begin) + width - 1) / width * width;
  for (int64_t t = first; t < std::min(m, end); t += width)
    for (int b = 0; b < blocks; b += chunk) {
      const int here = std::min(chunk, blocks - b);
      K::template pack<F>(x.from(t, b * F::kBlock), int(std::min<int64_t>(width, m - t)), here,
                          m > K::template kReadAgain<F>, packed + F::token_bytes(m * b + t * here));
    }
}
template <class K, class F, class Args>
void fp4_pack(const Args& a, Pool* pool) {
  parallel_for(pool, a.m, kFp4PackTokens, [&](int64_t begin, int64_t end) {
    fp4_put_token_scales(a, begin, end);
    fp4_pack_tiles<K, F>(fp4_rows(a), a.m, a.k / F::kBlock, a.workspace, begin, end);
  });
}

// All tokens times P panels; write(Fp4Sums) once for each tile or group of tiles.
template <class K, class F, size_t P, class Write>
void fp4_few(const std::array<const uint8_t*, P>& w, const Fp4Tokens& x, Write&& write) {
  constexpr int kWidth = K::template kFew<F>;
  static constexpr auto kTable = fp4_few_table<K, F>(std::make_integer_sequence<int, kWidth>());
  alignas(64) float sums[P][16 * kWidth];
  for (int64_t t = 0; t < x.m; t += kWidth) {
    const int width = int(std::min<int64_t>(kWidth, x.m - t));
    for (size_t p = 0; p < P; ++p)
      kTable[size_t(width - 1)](w[p], x.packed + F::token_bytes(t) * x.blocks, x.blocks, sums[p]);
    write(Fp4Sums{t, width, sums[0], 16, 16 * kWidth});
  }
}
template <class K, class F, size_t P, class Write>
void fp4_many(const std::array<const uint8_t*, P>& w, const Fp4Tokens& x, Write&& write) {
  constexpr int kWidth = K::template kMany<F>, kBlocks = kFp4Chunk / F::kBlock;
  static constexpr auto kTable = fp4_many_table<K, F, P>(std::make_integer_sequence<int, kWidth>());
  alignas(64) uint8_t unpacked[kBlocks * F::unpacked_bytes(P)];
  alignas(64) float sums[kFp4Tiles * kWidth * P * 16];
  for (int64_t begin = 0; begin < x.m; begin += kFp4Tiles * kWidth) {
    const int count = int(std::min<int64_t>(kFp4Tiles * kWidth, x.m - begin));
    std::fill_n(sums, size_t(count) * P * 16, 0.0f);
    for (int b = 0; b < x.blocks; b += kBlocks) {
      const int blocks = std::min(kBlocks, x.blocks - b);
      for (size_t p = 0; p < P; ++p) {
        const uint32_t nan =
            K::template unpack<F, P>(w[p] + b / 4 * F::kTileBytes, blocks, int(p), unpacked);
        if (nan != 0) [[unlikely]]
          for (size_t i = 0; i < size_t(count) * 16; ++i)
            if (nan >> i % 16 & 1) sums[(i / 16 * P + p) * 16 + i % 16] = bit_cast<float>(kFp4Nan);
      }
      for (int t = 0; t < count; t += kWidth) {
        const int width = std::min(kWidth, count - t);
        kTable[size_t(width - 1)](unpacked,
                                  x.packed + F::token_bytes(x.m * b + (begin + t) * blocks), blocks,
                                  sums + size_t(t) * P * 16);
      }
    }
    write(Fp4Sums{begin, count, sums, 16 * P, 16});
  }
}
template <class K, class F, size_t P, class Write>
void fp4_product(const std::array<const uint8_t*, P>& w, const Fp4Tokens& x, Write&& write) {
  if constexpr (kFp4Unpacks<K, F>)
    if (x.m > K::template kReadAgain<F>) return fp4_many<K, F>(w, x, write);
  fp4_few<K, F>(w, x, write);
}

template <class V>
[[gnu::always_inline]] inline V fp4_one_nan(V y) {
  return select(is_nan(y), V(bit_cast<float>(kFp4Nan)), y);
}
// y of up to 16 rows: sums, times the factors of row and token.
template <class V>
[[gnu::always_inline]] inline V fp4_scaled(V sums, float unit, V w_scale, float x_scale) {
  return fp4_one_nan(sums * V(unit) * (w_scale * V(x_scale)));
}

// A product, or a group's share of one.
struct Fp4Product {
  int64_t m = 0;
  int n = 0, k = 0;
  int64_t ldy = 0;
  const uint8_t* w = nullptr;
  const float *w_scale = nullptr, *x_scale = nullptr;
  const uint8_t* packed = nullptr;
  float* y = nullptr;
};

// Panels begin .. end: two at a time where tokens are many, since what is broadcast of a token then
// meets two registers.
template <class K, class F>
void fp4_panels(const Fp4Product& g, int64_t begin, int64_t end) {
  using V = typename K::Lanes;
  const Fp4Tokens x{g.m, g.k / F::kBlock, g.packed};
  const int64_t panel_bytes = F::kLayout.panel_bytes(g.k);
  const auto writer = [&](int64_t first, int panels) {
    return [&g, first, panels](const Fp4Sums& s) {
      V w_scale[2];
      int rows[2] = {};
      for (int p = 0; p < panels; ++p) {
        rows[p] = int(std::min<int64_t>(16, g.n - (first + p) * 16));
        w_scale[p] = V::load(g.w_scale + (first + p) * 16, rows[p]);
      }
      for (int t = 0; t < s.count; ++t) {
        float* y = g.y + (s.begin + t) * g.ldy + first * 16;
        for (int p = 0; p < panels; ++p)
          fp4_scaled(V::load(s.of(t, p)), K::template kUnit<F>, w_scale[p], g.x_scale[s.begin + t])
              .store(y + 16 * p, rows[p]);
      }
    };
  };
  const auto panel = [&](int64_t p) { return g.w + p * panel_bytes; };
  int64_t p = begin;
  if constexpr (kFp4Unpacks<K, F>)
    for (; g.m > K::template kReadAgain<F> && p + 2 <= end; p += 2)
      fp4_many<K, F>(std::array{panel(p), panel(p + 1)}, x, writer(p, 2));
  for (; p < end; ++p) fp4_product<K, F>(std::array{panel(p)}, x, writer(p, 1));
}

// Panels of a task, at most. Depends on the problem alone.
template <class K, class F>
int64_t fp4_grain(int64_t m, int64_t k) {
  if (m > K::template kReadAgain<F>) return 2;
  return std::max<int64_t>(1, kFp4TaskBytes / (F::kLayout.panel_bytes(k) * ((m + 7) / 8)));
}

// The whole of gemm_nvfp4_s8, gemm_mxfp4_s8 and gemm_nvfp4_nvfp4.
template <class K, class F, class Args>
void fp4_gemm(const Args& a, const Exec& e) {
  fp4_pack<K, F>(a, e.pool);
  const Fp4Product g{.m = a.m,
                     .n = a.n,
                     .k = a.k,
                     .ldy = a.ldy,
                     .w = a.w,
                     .w_scale = a.w_scale,
                     .x_scale = fp4_token_scales(a),
                     .packed = a.workspace,
                     .y = a.y};
  parallel_even(e.pool, F::kLayout.panels(a.n), fp4_grain<K, F>(a.m, a.k),
                a.m > K::template kReadAgain<F> ? 2 : 1,
                [=](int64_t begin, int64_t end) { fp4_panels<K, F>(g, begin, end); });
}

}  // namespace
}  // namespace nibble::cpu
