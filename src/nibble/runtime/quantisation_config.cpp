#include "nibble/runtime/quantisation_config.h"

#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"

namespace nibble {
namespace {

using encode_fp8::Tile;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kDepth = 64;
constexpr const char* kKey = "quantization_config";

json parse_config(std::string_view text, const std::string& called) {
  json config = parse_json(text, kDepth, called);
  if (!config.is_object()) throw Error(called + ": a config must be a JSON object");
  return config;
}

std::string modelopt_name(const Encoding& e) {
  if (e.format == WeightFormat::nvfp4) return "W4A16_NVFP4";  // no scales for activations
  if (e.format == WeightFormat::mxfp8) return "MXFP8";
  return e.tile == Tile::tensor ? "FP8" : "FP8_PER_CHANNEL_PER_TOKEN";
}

std::string compressed_name(const Encoding& e) {
  switch (e.format) {
    case WeightFormat::nvfp4:
      return "nvfp4-pack-quantized";
    case WeightFormat::mxfp4:
      return "mxfp4-pack-quantized";
    case WeightFormat::mxfp8:
      return "mxfp8-quantized";
    case WeightFormat::int8:
      return "int-quantized";
    default:
      return "float-quantized";
  }
}

ordered_json compressed_weights(const Encoding& e) {
  const bool fp4 = e.format == WeightFormat::nvfp4 || e.format == WeightFormat::mxfp4;
  ordered_json w = {
      {"num_bits", fp4 ? 4 : 8},   {"type", e.format == WeightFormat::int8 ? "int" : "float"},
      {"symmetric", true},         {"dynamic", false},
      {"observer", "minmax"},      {"group_size", nullptr},
      {"block_structure", nullptr}};
  switch (e.format) {
    case WeightFormat::nvfp4:
      w["strategy"] = "tensor_group", w["group_size"] = kNvfp4Block;
      w["scale_dtype"] = "torch.float8_e4m3fn";
      break;
    case WeightFormat::mxfp4:
    case WeightFormat::mxfp8:
      w["strategy"] = "group", w["group_size"] = kMxBlock;
      w["scale_dtype"] = "torch.uint8";
      break;
    case WeightFormat::fp8_block:
      w["strategy"] = "block", w["block_structure"] = {128, 128};
      break;
    default:
      w["strategy"] =
          e.format == WeightFormat::fp8 && e.tile == Tile::tensor ? "tensor" : "channel";
  }
  return w;
}

}  // namespace

QuantisationConfig read_quantisation_config(std::string_view config_json,
                                            const std::string& called) {
  const json config = parse_config(config_json, called);
  const auto it = config.find(kKey);
  if (it == config.end() || it->is_null()) return {};
  if (!it->is_object()) throw Error(called + ": " + kKey + " must be a JSON object");
  const auto method = it->find("quant_method");
  return {.there = true,
          .method = method != it->end() && method->is_string() ? method->get<std::string>() : "",
          .text = it->dump()};
}

std::string make_quantisation_config(Layout layout, const Encoding& e,
                                     std::vector<std::string> ignored) {
  ordered_json q;
  switch (layout) {
    case Layout::modelopt:
      q = {{"quant_method", "modelopt"}, {"quant_algo", modelopt_name(e)}};
      if (e.format == WeightFormat::nvfp4) q["group_size"] = kNvfp4Block;
      if (e.format == WeightFormat::mxfp8) q["group_size"] = kMxBlock;
      q["kv_cache_scheme"] = nullptr, q["ignore"] = ignored;
      q["producer"] = {{"name", "nibble"}};
      break;
    case Layout::compressed_tensors:
      q = {{"quant_method", "compressed-tensors"},
           {"format", compressed_name(e)},
           {"quantization_status", "compressed"}};
      q["config_groups"]["group_0"] = {{"targets", {"Linear"}},
                                       {"weights", compressed_weights(e)},
                                       {"input_activations", nullptr},
                                       {"output_activations", nullptr},
                                       {"format", compressed_name(e)}};
      q["ignore"] = ignored, q["kv_cache_scheme"] = nullptr;
      break;
    case Layout::deepseek:
      if (e.format != WeightFormat::fp8_block) return {};
      q = {{"quant_method", "fp8"},
           {"fmt", "e4m3"},
           {"activation_scheme", "dynamic"},
           {"weight_block_size", {128, 128}}};
      if (e.scale == Fp8Scale::ue8m0) q["scale_fmt"] = "ue8m0";
      q["modules_to_not_convert"] = ignored;
      break;
    case Layout::blocks:
      q = {{"quant_method", "mxfp4"}, {"modules_to_not_convert", ignored}};
      break;
    case Layout::plain:
      q = {{"quant_method", "nibble"}, {"format", to_string(e.format)}, {"mode", e.mode}};
      break;
  }
  return q.dump();
}

std::string with_quantisation_config(std::string_view config_json, std::string_view quantisation,
                                     const std::string& called) {
  parse_config(config_json, called);  // ordered_json would keep the first of two equal keys
  ordered_json config = ordered_json::parse(config_json);
  config.erase(kKey);
  if (!quantisation.empty()) config[kKey] = ordered_json::parse(quantisation);
  return config.dump(2) + "\n";
}

std::string make_index(const std::vector<std::pair<std::string, std::string>>& tensor_to_shard,
                       int64_t total_bytes) {
  json index = {{"metadata", {{"total_size", total_bytes}}}, {"weight_map", json::object()}};
  for (const auto& [tensor, shard] : tensor_to_shard) index["weight_map"][tensor] = shard;
  return index.dump(2) + "\n";
}

}  // namespace nibble
