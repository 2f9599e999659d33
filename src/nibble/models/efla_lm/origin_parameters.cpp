#include "nibble/models/efla_lm/origin.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"
#include "nibble/runtime/error.h"

namespace nibble::efla_lm {
namespace {

void in_range(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most)
    throw Error("origin: " + std::string(name) + " must be in " + std::to_string(least) + ".." +
                std::to_string(most) + ", got " + std::to_string(value));
}

}  // namespace

void check(const OriginConfig& c) {
  in_range("hidden", c.hidden, 1, 1024);  // the widest head of the efla op
  // One layer has another layout (norms behind the branches) that the goldens do not cover.
  in_range("layers", c.layers, 2, 1024);
  in_range("mlp_mult", c.mlp_mult, 1, gemm_s8::kMaxK / c.hidden);
  in_range("seq", c.seq, 1, 1 << 20);
  // Folded weights are at most 2^6 + 63 in magnitude.
  in_range("noise_terms", c.noise_terms, 0, 63);
}

std::vector<OriginTensor> origin_tensors(const OriginConfig& c) {
  const int H = c.hidden, F = c.mlp_mult * c.hidden;
  std::vector<OriginTensor> all;
  int64_t ternary = 0, real = 0, noise = 0;
  const auto add = [&](std::string name, uint64_t salt, uint64_t init, int rows, int cols,
                       bool is_ternary = true) {
    int64_t& end = is_ternary ? ternary : real;
    all.push_back({std::move(name), salt, init, is_ternary, rows, cols, end, noise});
    end += all.back().size(), noise += all.back().size();
  };
  add("emb", 0x111111, 0x1000, kOriginVocab, H);
  add("win", 0x222222, 0x2000, H, H);
  for (int l = 0; l < c.layers; ++l) {
    const std::string layer = "layer" + std::to_string(l) + ".";
    const uint64_t base = 0x3000 + 8 * uint64_t(l);
    add(layer + "wq", mix64(uint64_t(l), 0x333333), base, H, H);
    add(layer + "wk", mix64(uint64_t(l), 0x444444), base + 1, H, H);
    add(layer + "wv", mix64(uint64_t(l), 0x555555), base + 2, H, H);
    add(layer + "wbeta", mix64(uint64_t(l), 0x666666), base + 3, 1, H);
    add(layer + "ff1", mix64(uint64_t(l), 0x999999), base + 4, F, H);
    add(layer + "ff2", mix64(uint64_t(l), 0xAAAAAA), base + 5, H, F);
  }
  add("head", 0x777777, 0x7000, kOriginVocab, H);
  add("head_bias", 0x888888, 0, 1, kOriginVocab, false);
  add("beta_bias", 0x9999999, 0, 1, c.layers, false);
  add("pos", 0xBEEFF00D, 0xABCDEF, c.seq, H, false);
  return all;
}

OriginParameters origin_init(const OriginConfig& c) {
  OriginParameters p;
  for (const OriginTensor& t : origin_tensors(c)) {
    uint64_t state = t.init;
    if (t.ternary)
      for (int64_t i = 0; i < t.size(); ++i)
        p.ternary.push_back(int8_t(ternary_of(splitmix64(state))));
    else if (t.name == "pos")  // uniform in [-0.02, 0.02], from 16 bits
      for (int64_t i = 0; i < t.size(); ++i)
        p.real.push_back((float(splitmix64(state) & 0xFFFF) / 65535.0f - 0.5f) * 0.04f);
    else
      p.real.insert(p.real.end(), size_t(t.size()), t.name == "beta_bias" ? -2.0f : 0.0f);
  }
  return p;
}

}  // namespace nibble::efla_lm
