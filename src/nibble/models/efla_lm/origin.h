// The byte language model of the compatibility mode: ternary weights, int8 residual, EFLA with one
// head as wide as the model, perturbed by full-rank hashed noise. Golden losses fix its arithmetic
// (docs/origin.md); speed and quality are the product model's business.
//
//   e = q8(emb[byte] + noise)                x = q8(act_scale gelu(win e / sqrt(H) + pos[t]))
//   per layer:  y = N(x);  q, k, v, beta = w{q,k,v,beta} y / sqrt(H);  o = efla(q, k, v, beta)
//               x += q8(residual_scale o);  y = N(x);  h = q8(mlp_act_scale gelu(ff1 y / sqrt(H)))
//               x += q8(mlp_residual_scale ff2 h / sqrt(F))
//   logits = head N(x) / sqrt(H) + head_bias
//
// N is absmean_norm with ln_scale. The state of EFLA is rounded to fp16 after every token. A
// perturbation of sign s and shift n replaces each ternary w by w + s 2^-n E, folded into one
// integer matrix, and each real parameter v by v + s 2^-n E.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nibble/base/op.h"

namespace nibble::efla_lm {

inline constexpr int kOriginVocab = 256;

struct OriginConfig {
  int hidden = 512, layers = 4, mlp_mult = 2;
  int seq = 128;        // positions that have an embedding
  int noise_terms = 4;  // of ternary_noise: 0 plain, k the sum of k draws
  float act_scale = 0.8f, mlp_act_scale = 1, ln_scale = 1;
  float residual_scale = 1, mlp_residual_scale = 1;
};
// Throws nibble::Error and says what is allowed.
void check(const OriginConfig&);

struct OriginTensor {
  std::string name;   // "emb", "layer0.wq", "head_bias", ...
  uint64_t salt = 0;  // its noise has the seed mix64(pair seed, salt)
  uint64_t init = 0;  // where its splitmix64 stream starts; of pos and the ternary ones
  bool ternary = true;
  int rows = 0, cols = 0;  // outputs, inputs
  int64_t offset = 0;      // in OriginParameters::ternary or ::real
  int64_t noise_offset = 0;
  int64_t size() const { return int64_t(rows) * cols; }
};

// emb, win, then wq, wk, wv, wbeta, ff1, ff2 of each layer, head, head_bias, beta_bias, pos. The
// first four of a layer are neighbours in memory and one GEMM.
std::vector<OriginTensor> origin_tensors(const OriginConfig&);

struct OriginParameters {
  std::vector<int8_t> ternary;
  std::vector<float> real;
};
// The same for every seed of a run: each tensor has a fixed stream.
OriginParameters origin_init(const OriginConfig&);

// Which side of an antithetic pair; sign 0 is the model itself.
struct OriginSide {
  int sign = 0, sigma_shift = 0;
};

struct OriginHealth {          // of one branch, over all tokens
  std::string layer;           // "layer0.mixer", "layer0.ffn"
  double zero_increments = 0;  // share of residual entries that did not move
  double saturated = 0;        // share at +-127 afterwards
  double mean_beta = -1;       // mean write strength sigmoid(beta + bias); -1 for an FFN
};

// Evaluates. Holds activations and one pair's noise, so each thread that evaluates pairs has one.
class OriginModel {
 public:
  OriginModel(const OriginConfig&, const Machine&);
  ~OriginModel();
  OriginModel(OriginModel&&) noexcept;

  void set_noise(uint64_t pair_seed, Pool* = nullptr);

  // Mean nats over sequences of `length` <= seq bytes, each from a zero state. `tokens` and
  // `targets` are [sequences][length]. The same for every pool.
  double loss(const OriginParameters&, OriginSide, std::span<const uint8_t> tokens,
              std::span<const uint8_t> targets, int length, Pool* = nullptr);

  // Two entries a layer, of the clean model.
  std::vector<OriginHealth> health(const OriginParameters&, std::span<const uint8_t> tokens,
                                   int length, Pool* = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nibble::efla_lm
