// The forward pass over a chunk of sequences, cut where noise enters: each stage leaves its int32
// sums, and what follows can be run again from them.
#pragma once
#include "nibble/models/efla_lm/model.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"
#include "nibble/ops/dequantise/dequantise.h"
#include "nibble/ops/efla/efla.h"
#include "nibble/ops/gelu_quantise/gelu_quantise.h"
#include "nibble/ops/gemm_bf16_s8/gemm_bf16_s8.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"
#include "nibble/ops/gemm_s8_cross_entropy/gemm_s8_cross_entropy.h"
#include "nibble/ops/head_norm/head_norm.h"
#include "nibble/ops/low_rank_noise/low_rank_noise.h"
#include "nibble/ops/relu2_quantise/relu2_quantise.h"
#include "nibble/ops/residual_norm/residual_norm.h"
#include "nibble/runtime/chosen.h"

namespace nibble::efla_lm {

// Sequences of equal length, token after token: row = sequence * length + token.
struct Chunk {
  int sequences = 1, length = 1;
  int rows() const { return sequences * length; }
};

// Normed rows that a GEMM reads: `gap` rows before each sequence hold what precedes its first
// token, zeros or, in generation, the tokens themselves.
struct Inputs {
  Buffer<int8_t> data;
  int gap = 0, width = 0;

  int64_t first(const Chunk& c, int sequence) const {  // where the first token's inputs begin
    return int64_t(sequence) * (gap + c.length) * width;
  }
};

// Everything that one pass over a chunk leaves behind.
struct Activations {
  struct Block {
    Inputs mixer_in, ffn_in;
    Buffer<int32_t> mixer_sums, ffn1_sums, ffn2_sums;
    Buffer<int8_t> x_in, x_mid, hidden;  // the residual before the mixer and before the FFN
    Buffer<float> state;  // of efla, where it is carried: [sequences][key_dim / heads][hidden]
  };
  // carry: a pass begins with the states and the rows in the gaps that are there, and leaves
  // states.
  Activations(const Model&, Chunk most, bool carry);
  // Chunks of another shape leave old rows in the gaps: they are cleared.
  void reshape(Chunk);

  Chunk chunk;
  bool carry_in, carry_out;
  std::vector<Block> blocks;
  Inputs embedding_in, head_in;  // embedding_in: if it is trained
  Buffer<int8_t> x_out;
  Buffer<int32_t> embedding_sums, head_sums, increments;
  Buffer<float> loss, gradient;  // gradient: of the logits, [rows][padded_symbols]
  Buffer<float> mixer_values, mixed;
  Buffer<uint8_t> widened;  // of gemm_bf16_s8
  Buffer<int32_t> steps;    // of the noise before a GELU
};

// Signs of the noise of one lane at one stage, [ceil(rows / share)][n / 16]; null: none.
struct Noise {
  const uint16_t* bits = nullptr;
  int32_t step = 0;
  int every = 1, phase = 0;        // the mixer's: on one row in `every`
  const int32_t* steps = nullptr;  // [rows], in place of step
  int share = 1;
};

class Forward {
 public:
  Forward(const Model&, const Machine&, Chunk typical);

  void embed(const uint8_t* symbols, Activations&) const;
  // GEMMs: inputs of `from` to sums of `to`.
  void mixer_sums(int block, const Activations& from, Activations& to) const;
  void ffn1_sums(int block, const Activations& from, Activations& to) const;
  void head_sums(const Activations& from, Activations& to) const;
  // Sums (with noise) to the next stage's inputs; `x` is the residual they are added to.
  void enter(const int32_t* sums, const Noise&, Activations& to) const;  // a trained embedding's
  void mix(int block, const int8_t* x, const int32_t* sums, const Noise&, Activations& to) const;
  void hidden(int block, const int32_t* sums, const Noise&, Activations& to) const;  // and its GEMM
  void add(int block, const int8_t* x, const int32_t* sums, const Noise&, Activations& to) const;
  void losses(const int32_t* sums, const uint8_t* targets, bool gradient, Activations& to,
              const Noise& = {}) const;
  // The head's sums and their losses at once, from the inputs that are there; no sums are left.
  void head_losses(const uint8_t* targets, Activations&, const Noise& = {}) const;

  void block(int block, Activations&) const;  // all of it, from its inputs
  void after(int block, Activations&) const;  // the blocks behind it, to the head's inputs
  void all(const uint8_t* symbols, Activations&) const;  // to the head's sums

 private:
  // Sums of rows `lda` apart; those of `from`, sequence by sequence.
  void multiply(const Matrix&, const int8_t* rows, int count, int64_t lda, int32_t* sums,
                Activations& to) const;
  void gemm(const Matrix&, const Inputs& from, int32_t* sums, Activations& to) const;
  void norm(residual_norm::Args, const Inputs& to, const Chunk&) const;
  void activate(int block, const int32_t* sums, const Noise&, Activations& to) const;

  const Model& model_;
  Chosen<gemm_s8::Op> gemm_;
  Chosen<gemm_bf16_s8::Op> wide_gemm_;
  Chosen<dequantise::Op> dequantise_;
  Chosen<efla::Op> efla_;
  Chosen<head_norm::Op> head_norm_;
  Chosen<residual_norm::Op> residual_norm_;
  Chosen<relu2_quantise::Op> relu2_;
  Chosen<gelu_quantise::Op> gelu_;
  Chosen<low_rank_noise::Op> add_noise_;
  Chosen<cross_entropy::Op> cross_entropy_;
  Chosen<gemm_s8_cross_entropy::Op> head_losses_;
};

}  // namespace nibble::efla_lm
