// What decides the shape and the arithmetic of the product's byte language model (model.h).
#pragma once
#include <cstdint>

namespace nibble::efla_lm {

// What a weight is rounded to. nvfp4: e2m1 values times a scale for each 16 inputs of an output, as
// model.h says, such that products with int8 remain integers. bf16 is multiplied as it is.
enum class WeightFormat { ternary, int8, nvfp4, bf16 };
enum class Activation { relu2, gelu };    // of the FFN's hidden layer
enum class Embedding { fixed, trained };  // random and ternary for good, or one of the matrices

struct Config {
  Embedding embedding = Embedding::fixed;
  int hidden = 128;
  int ffn = 256;
  int ffn_shift = 1;  // the FFN reads the normed tokens t - shift .. t
  Activation activation = Activation::relu2;
  int blocks = 1;
  bool mixer = true;  // EFLA before the FFN
  int mixer_shift = 1;
  int heads = 4;
  int key_dim = 64;          // of all heads together; the value width is `hidden`
  float mixer_scale = 0.4f;  // what the normed mixer output is multiplied by before the residual
  float ffn_scale = 0.8f;    // the same for the FFN's
  int residual_unit = 24;    // codes of the int8 residual per 1.0; an embedding entry is +-1 or 0
  float head_scale = 1.0f;   // of the logits, beside 1 / sqrt(0.67 hidden)
  WeightFormat weights = WeightFormat::ternary;
};

}  // namespace nibble::efla_lm
