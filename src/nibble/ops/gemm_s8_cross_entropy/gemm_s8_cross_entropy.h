// gemm_s8_cross_entropy: the losses of a language model's head, without its logits in memory:
//
//   sum[r][j] = sum_k a[r][k] * b[j][k]                          as gemm_s8
//   l[r][j]   = fma(sum[r][j], scale, bias[j])                   as cross_entropy of these sums
//   loss[r]   = log(eps + sum_j exp(l[r][j] - m)) - (l[r][target] - m),  m = max_j l[r][j]
//
// Operands, ranges and packing are those of gemm_s8 with n = symbols (b may be packed with more
// columns, up to the end of the last panel); noise, and every operation from the sums on in its
// order, is that of cross_entropy. So the losses are the bits that the one op after the other
// gives, in every variant, and the reference is the one reference after the other.
#pragma once
#include "nibble/ops/cross_entropy/cross_entropy.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"

namespace nibble::gemm_s8_cross_entropy {

struct Args {
  int64_t rows = 0;
  int symbols = 0;            // 1..cross_entropy::kMaxSymbols
  int k = 0;                  // 1..gemm_s8::kMaxK
  int64_t lda = 0;            // elements from a row of a to the next, >= 1
  const int8_t* a = nullptr;  // [(rows - 1) * lda + k]
  const int8_t* b = nullptr;  // gemm_s8::packed_bytes(symbols, k), 64-byte aligned
  bool biased = false;
  float scale = 1, eps = 0;         // eps >= 0
  const float* bias = nullptr;      // [symbols] if biased
  bool with_noise = false;          // sums + steps[r] * (+1 where the bit is set, or -1)
  int share = 1;                    // neighbouring rows that read the same row of noise
  const uint16_t* noise = nullptr;  // [ceil(rows / share)][ceil(symbols / 16)]
  const int32_t* steps = nullptr;   // [rows]; |sum| + |step| < 2^31
  const uint8_t* target = nullptr;  // [rows], < symbols
  float* loss = nullptr;            // [rows]
};

// The two ops that this one is, with `sums` [rows][symbols] between them.
gemm_s8::Args product(const Args&, int32_t* sums);
cross_entropy::Args losses(const Args&, const int32_t* sums);

struct Op {
  using Args = gemm_s8_cross_entropy::Args;
  static constexpr std::string_view name = "gemm_s8_cross_entropy";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args& a) {
    return cross_entropy::Op::tolerance(losses(a, nullptr));
  }
  // Of both; an exponential costs as much as it does, and so what is held against the roof of the
  // products is not theirs alone.
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * a.symbols * a.k,
            .bytes = a.rows * a.lda + gemm_s8::packed_bytes(a.symbols, a.k) + 5 * a.rows,
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_s8_cross_entropy
