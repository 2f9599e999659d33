#include "nibble/models/efla_lm/model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "nibble/numerics/e2m1.h"
#include "nibble/ops/gemm_bf16_s8/gemm_bf16_s8.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"
#include "nibble/runtime/error.h"

namespace nibble::efla_lm {
namespace {

constexpr int kBlock = 16;  // inputs that share a scale in nvfp4

// The codes of a block of shadows x, in units of 1 / code_scale: the scale is amax / 6, in steps of
// two codes, so that the largest becomes 6.
void to_nvfp4(std::span<const float, kBlock> x, float code_scale, int8_t* codes) {
  float most = 0;
  for (const float v : x) most = std::max(most, std::fabs(v) * code_scale);
  const float scale = std::clamp(std::nearbyint(most / 12), 1.0f, 10.0f);
  for (int i = 0; i < kBlock; ++i) {
    const float q = to_float(to_e2m1_saturating(x[size_t(i)] * code_scale / (2 * scale)));
    codes[i] = int8_t(2 * q * scale);  // whole: 2 q is
  }
}

constexpr int pad16(int n) { return (n + 15) / 16 * 16; }

void require(bool ok, const std::string& sentence) {
  if (!ok) throw Error(sentence);
}

Matrix matrix(std::string name, Stage stage, int block, int inputs, int gap, int outputs,
              const Config& r) {
  Matrix m{.name = std::move(name), .stage = stage, .block = block, .format = r.weights};
  m.k = inputs * (gap + 1);
  m.n = pad16(outputs);
  m.outputs = outputs;
  m.gap = gap;
  // Weights of unit variance would have 1 / sqrt(k); two thirds of the ternary ones are not zero.
  // Multiplied by codes of 1 / 16.
  struct Codes {
    float scale;
    int most;
  };
  const Codes codes = r.weights == WeightFormat::ternary ? Codes{1, 1}
                      : r.weights == WeightFormat::nvfp4 ? Codes{30, 120}
                      : r.weights == WeightFormat::bf16  ? Codes{256, 1024}
                                                         : Codes{32, 127};
  m.code_scale = codes.scale, m.max_code = codes.most;
  m.limit = shadow_limit(r.weights);
  // Uniform; 1.42 has the spread of 0.82 N(0, 1).
  m.init = r.weights == WeightFormat::ternary ? 1.5f : 1.42f;
  m.scale = 1 / (std::sqrt(0.67f * float(m.k)) * kActivationUnit * m.code_scale);
  if (r.weights == WeightFormat::bf16)
    m.wide = Buffer<bf16>(m.size());
  else
    m.weight = Buffer<int8_t>(gemm_s8::packed_bytes(m.n, m.k));
  return m;
}

void check(const Config& r, int symbols) {
  require(symbols >= 2 && symbols <= 256,
          "an alphabet has 2 to 256 symbols, not " + std::to_string(symbols));
  require(r.hidden >= 16 && r.hidden % 16 == 0 && r.ffn >= 16 && r.ffn % 16 == 0,
          "model.hidden and model.ffn must be positive multiples of 16, not " +
              std::to_string(r.hidden) + " and " + std::to_string(r.ffn) +
              ": a word of noise holds the signs of 16 units");
  require(r.blocks >= 1, "model.blocks must be positive");
  require(r.ffn_shift >= 0 && r.mixer_shift >= 0, "token shifts must not be negative");
  require((r.ffn_shift + 1) * r.hidden <= gemm_s8::kMaxK &&
              (r.mixer_shift + 1) * r.hidden <= gemm_s8::kMaxK && r.ffn <= gemm_s8::kMaxK,
          "model: a matrix has more than 65536 inputs");
  require(r.residual_unit >= 1 && r.residual_unit <= 127,
          "model.residual_unit must be in 1..127, not " + std::to_string(r.residual_unit));
  if (!r.mixer) return;
  require(r.heads >= 1 && r.hidden % r.heads == 0 && r.hidden / r.heads % 16 == 0,
          "model.hidden / model.heads must be a multiple of 16, not " + std::to_string(r.hidden) +
              " / " + std::to_string(r.heads) + ": a head is normed 16 values at a time");
  require(r.key_dim >= 16 && r.key_dim % 16 == 0 && r.key_dim % r.heads == 0,
          "model.key_dim must be a multiple of 16 and of model.heads, not " +
              std::to_string(r.key_dim) +
              ": a word of noise holds the signs of 16 queries or keys");
}

}  // namespace

Model::Model(const Config& r, int symbols)
    : shape(r), symbols(symbols), padded_symbols(pad16(symbols)) {
  check(r, symbols);
  if (embeds()) {
    Matrix& m = matrices.emplace_back(
        matrix("embedding", Stage::embedding, -1, padded_symbols, 0, r.hidden, r));
    m.scale = 1 / (kOneHot * m.code_scale);  // one input of its own, not a sum over many
  } else {
    embedding = Buffer<int8_t>(int64_t(symbols) * r.hidden);
  }
  for (int b = 0; b < r.blocks; ++b) {
    const std::string block = "block" + std::to_string(b) + ".";
    if (r.mixer) {
      mixer_outputs = 2 * r.key_dim + r.hidden + r.heads;
      mixer_n = pad16(mixer_outputs);
      matrices.push_back(
          matrix(block + "mixer", Stage::mixer, b, r.hidden, r.mixer_shift, mixer_outputs, r));
    }
    matrices.push_back(matrix(block + "ffn1", Stage::ffn1, b, r.hidden, r.ffn_shift, r.ffn, r));
    matrices.push_back(matrix(block + "ffn2", Stage::ffn2, b, r.ffn, 0, r.hidden, r));
  }
  matrices.push_back(matrix("head", Stage::head, r.blocks, r.hidden, 0, symbols, r));
  Matrix& head = matrices.back();
  head.scale *= r.head_scale;
  // Few weights are not zero at first: logits with a spread of one would cost half a nat.
  head.init = r.weights == WeightFormat::ternary ? 0.65f : 0.42f;
  bias = Buffer<float>(padded_symbols);
}

const Matrix& Model::at(Stage stage, int block) const {
  if (stage == Stage::embedding) return matrices.front();
  if (stage == Stage::head) return matrices.back();
  const Stage first = shape.mixer ? Stage::mixer : Stage::ffn1;
  const int per_block = shape.mixer ? 3 : 2;
  return matrices[size_t((embeds() ? 1 : 0) + block * per_block + int(stage) - int(first))];
}

int64_t Model::parameters() const {
  int64_t n = int64_t(symbols) * shape.hidden + symbols;  // of the embedding, and the bias
  for (const Matrix& m : matrices)
    if (m.stage != Stage::embedding) n += int64_t(m.k) * m.outputs;
  return n;
}

float shadow_limit(WeightFormat format) {
  switch (format) {
    case WeightFormat::ternary:
      return 1.5f;
    case WeightFormat::int8:
      return 127.0f / 32;
    case WeightFormat::nvfp4:
    case WeightFormat::bf16:
      break;
  }
  return 4;
}

void project(Matrix& m, const float* shadow) {
  if (m.format == WeightFormat::bf16) {
    for (int k = 0; k < m.k; ++k)
      for (int n = 0; n < m.n; ++n)
        m.wide[gemm_bf16_s8::slot(n, k, m.k)] =
            gemm_bf16_s8::weight_of(shadow[int64_t(k) * m.n + n] * m.code_scale);
    return;
  }
  const float most = float(m.max_code);
  Buffer<int8_t> codes(m.size());  // [n][k]
  for (int k = 0; k < m.k && m.format != WeightFormat::nvfp4; ++k)
    for (int n = 0; n < m.n; ++n) {
      const float x = shadow[int64_t(k) * m.n + n] * m.code_scale;
      codes[int64_t(n) * m.k + k] = int8_t(std::nearbyint(std::clamp(x, -most, most)));
    }
  for (int k = 0; k < m.k && m.format == WeightFormat::nvfp4; k += kBlock)
    for (int n = 0; n < m.n; ++n) {
      std::array<float, kBlock> x;
      for (int i = 0; i < kBlock; ++i) x[size_t(i)] = shadow[int64_t(k + i) * m.n + n];
      to_nvfp4(x, m.code_scale, &codes[int64_t(n) * m.k + k]);
    }
  gemm_s8::pack(codes.data(), m.k, m.n, m.k, m.weight.data());
}

}  // namespace nibble::efla_lm
