// What config.json says of how a checkpoint is quantised.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "nibble/runtime/weight_format.h"

namespace nibble {

// The value of quantization_config, of config.json or as it stands in a file's metadata.
struct QuantisationConfig {
  bool there = false;
  std::string method;  // "modelopt", "compressed-tensors", "fp8", "mxfp4", ...; empty: not said
  std::string text;    // all of it, as JSON
};
// Reads the text of a config.json (or {}); `called` names it in errors.
QuantisationConfig read_quantisation_config(std::string_view config_json,
                                            const std::string& called);

// What other programs read: quantization_config in a layout of theirs, for matrices that are all of
// one encoding; `ignored` are the names of matrices that stay as they are, without ".weight".
// Empty for layouts that say nothing.
std::string make_quantisation_config(Layout, const Encoding&, std::vector<std::string> ignored);

// config.json with its quantization_config replaced (empty: removed), nothing else changed.
std::string with_quantisation_config(std::string_view config_json, std::string_view quantisation,
                                     const std::string& called);

// The text of index.json for tensors in shards.
std::string make_index(const std::vector<std::pair<std::string, std::string>>& tensor_to_shard,
                       int64_t total_bytes);

}  // namespace nibble
