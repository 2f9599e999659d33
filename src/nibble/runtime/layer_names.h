// Which matrices of a checkpoint are together a feed-forward layer, by the names that models give
// them. P is what stands before, as model.layers.0.mlp., and behind all of a layer stands the same:
//
//   gate         up           down         of
//   P gate_proj  P up_proj    P down_proj  Llama, Qwen, DeepSeek
//   P w1         P w3         P w2         Mixtral
//                P fc1        P fc2        those with GELU
//                P c_fc       P c_proj     StarCoder
//                P dense_h_to_4h  P dense_4h_to_h    Falcon
//                P up_proj    P down_proj  where there is no P gate_proj
//
// Where P is Q experts.N., matrices with gates are those of experts, for N = 0, 1, ..., and Q gate
// or Q router is the router.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nibble {

struct LayerNames {
  std::string name;  // "model.layers.0.mlp.*", "model.layers.0.mlp.experts.*"
  // Places in the names. One, or one for each expert; no gate: GELU.
  std::vector<size_t> gate, up, down;
  std::optional<size_t> router;
  bool experts = false;
  std::string missing;  // not empty: a name that is not there, and then nothing else holds
};

// In the order of their first matrices.
std::vector<LayerNames> layers_of(std::span<const std::string> names);

}  // namespace nibble
