#include "nibble/train/checkpoint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <charconv>
#include <cstring>
#include <map>
#include <memory>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/ternary.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/safetensors.h"

namespace nibble::train {
namespace {

constexpr const char* kFormat = "nibble-checkpoint 1";
constexpr std::string_view kShadow = ".shadow", kInt2 = ".int2", kBf16 = ".bf16";

bool ends_with(std::string_view s, std::string_view tail) {
  return s.size() >= tail.size() && s.substr(s.size() - tail.size()) == tail;
}
// "x.int2" beside "x.shadow".
std::string beside(const std::string& shadow, std::string_view tail) {
  return shadow.substr(0, shadow.size() - kShadow.size()) + std::string(tail);
}
bool is_beside(std::string_view name) { return ends_with(name, kInt2) || ends_with(name, kBf16); }
bool is_shadow(const StateTensor& t) {
  return ends_with(t.name, kShadow) && t.type == DType::f32 && t.shape.size() == 2;
}

using Packed = std::vector<uint8_t>;

Packed pack_rows(const float* w, int64_t rows, int64_t cols) {
  Packed packed;
  packed.reserve(size_t(rows * ((cols + 3) / 4)));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; c += 4) {
      int code[4] = {};
      for (int64_t j = 0; j < 4 && c + j < cols; ++j) code[j] = to_ternary(w[r * cols + c + j]);
      packed.push_back(pack_ternary(code[0], code[1], code[2], code[3]).bits);
    }
  return packed;
}

void unpack_rows(const uint8_t* packed, int64_t rows, int64_t cols, float* w) {
  const int64_t stride = (cols + 3) / 4;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      w[r * cols + c] = float(ternary_at({packed[r * stride + c / 4]}, int(c % 4)));
}

Packed round_to_bf16(const float* w, int64_t count) {
  Packed rounded(size_t(count) * sizeof(bf16));
  for (int64_t i = 0; i < count; ++i) {
    const bf16 x = to_bf16(w[i]);
    std::memcpy(&rounded[size_t(i) * sizeof x], &x, sizeof x);
  }
  return rounded;
}

using safetensors::Metadata;
using safetensors::Tensor;

Metadata metadata_of(const Mark& m) {
  return {{"format", kFormat},
          {"step", fmt::format("{}", m.step)},
          {"seconds", fmt::format("{}", m.seconds)},
          {"tokens", fmt::format("{}", m.tokens)},
          {"lane_tokens", fmt::format("{}", m.lane_tokens)},
          {"heldout_nats", fmt::format("{}", m.heldout_nats)},
          {"horizon_at", fmt::format("{}", m.horizon.at)},
          {"horizon_from", fmt::format("{}", m.horizon.from)},
          {"horizon_steps", fmt::format("{}", m.horizon.steps)}};
}

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw Error(fmt::format("'{}' is damaged: {}", path, what));
}

Mark mark_of(const Metadata& m, const std::string& path) {
  const auto text = [&](const char* key) -> const std::string& {
    const auto it = m.find(key);
    if (it == m.end()) damaged(path, fmt::format("its metadata has no '{}'", key));
    return it->second;
  };
  const auto number = [&]<class T>(const char* key, T& to) {
    const std::string& s = text(key);
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), to);
    // What is not a number compares false; no value of a run comes near the bound.
    if (error != std::errc() || end != s.data() + s.size() || !(to >= 0 && double(to) < 0x1p62))
      damaged(path, fmt::format("its '{}' is no number of a run", key));
  };
  if (text("format") != kFormat)
    throw Error(fmt::format("'{}' has the format '{}': this program reads '{}'", path,
                            text("format"), kFormat));
  Mark mark;
  number("step", mark.step), number("seconds", mark.seconds);
  number("tokens", mark.tokens), number("lane_tokens", mark.lane_tokens);
  number("heldout_nats", mark.heldout_nats);
  number("horizon_at", mark.horizon.at), number("horizon_from", mark.horizon.from);
  number("horizon_steps", mark.horizon.steps);
  if (mark.horizon.from > 1) damaged(path, "its 'horizon_from' is above 1");
  return mark;
}

// Of the metadata but for the hash itself, and of every tensor's name, shape and bytes, by name.
std::string hash_of(const Metadata& metadata, std::span<const Tensor> tensors) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       XXH3_freeState);
  XXH3_64bits_reset(state.get());
  const auto add = [&](const std::string& s) {
    XXH3_64bits_update(state.get(), s.c_str(), s.size() + 1);
  };
  for (const auto& [key, value] : metadata)
    if (key != "xxh3") add(key), add(value);
  std::map<std::string_view, const Tensor*> by_name;
  for (const Tensor& t : tensors) by_name[t.name] = &t;
  for (const auto& [name, t] : by_name) {
    add(t->name), add(std::string(safetensors::format_name(t->type)));
    XXH3_64bits_update(state.get(), t->shape.data(), t->shape.size() * sizeof(int64_t));
    XXH3_64bits_update(state.get(), t->data.data(), t->data.size());
  }
  return fmt::format("{:016x}", XXH3_64bits_digest(state.get()));
}

// A reader whose contents are what was written.
safetensors::Reader open(const std::string& path) {
  safetensors::Reader file(path);
  const auto it = file.metadata().find("xxh3");
  if (it == file.metadata().end()) damaged(path, "its metadata has no 'xxh3'");
  if (hash_of(file.metadata(), file.tensors()) != it->second)
    damaged(path, "its contents do not have the hash that was written with them");
  return file;
}

}  // namespace

void write_checkpoint(const std::string& path, std::span<const StateTensor> state, const Mark& mark,
                      efla_lm::WeightFormat weights) {
  std::vector<Tensor> tensors;
  std::vector<Packed> packed;
  packed.reserve(state.size());  // tensors point into it
  for (const StateTensor& t : state) {
    tensors.push_back(
        {t.name, t.type, t.shape, {static_cast<const std::byte*>(t.data), size_t(t.bytes())}});
    if (!is_shadow(t)) continue;
    const auto* shadow = static_cast<const float*>(t.data);
    if (weights == efla_lm::WeightFormat::ternary) {
      packed.push_back(pack_rows(shadow, t.shape[0], t.shape[1]));
      tensors.push_back({beside(t.name, kInt2),
                         DType::u8,
                         {t.shape[0], (t.shape[1] + 3) / 4},
                         std::as_bytes(std::span(packed.back()))});
    } else if (weights == efla_lm::WeightFormat::bf16) {
      packed.push_back(round_to_bf16(shadow, t.shape[0] * t.shape[1]));
      tensors.push_back(
          {beside(t.name, kBf16), DType::bf16, t.shape, std::as_bytes(std::span(packed.back()))});
    }
  }
  Metadata metadata = metadata_of(mark);
  metadata["xxh3"] = hash_of(metadata, tensors);
  safetensors::write(path, tensors, metadata);
}

uint64_t hash_of(std::span<const StateTensor> state) {
  uint64_t hash = 0;
  for (const StateTensor& t : state) hash = XXH3_64bits_withSeed(t.data, size_t(t.bytes()), hash);
  return hash;
}

Mark read_mark(const std::string& path) {
  return mark_of(safetensors::Reader(path).metadata(), path);
}

Mark restore(Learner& learner, const std::string& path) {
  const safetensors::Reader file = open(path);
  const std::vector<StateTensor> state = learner.state();
  size_t packed = 0;
  for (const Tensor& t : file.tensors()) packed += is_beside(t.name);
  if (file.tensors().size() - packed != state.size())
    throw Error(fmt::format("'{}' has {} tensors of training state: the recipe's model has {}",
                            path, file.tensors().size() - packed, state.size()));
  for (const StateTensor& t : state) {
    const Tensor& from = file.at(t.name, t.type, t.shape);
    std::memcpy(t.data, from.data.data(), from.data.size());
  }
  learner.restored();
  return mark_of(file.metadata(), path);
}

void restore_weights(Learner& learner, const std::string& path) {
  const safetensors::Reader file = open(path);
  for (const StateTensor& t : learner.state()) {
    if (!is_shadow(t) && t.name != "embedding.weight" && t.name != "head.bias") continue;
    const Tensor& from = file.at(t.name, t.type, t.shape);
    std::memcpy(t.data, from.data.data(), from.data.size());
  }
  learner.restored();
}

OwnedTensors read_weights(const std::string& path) {
  const safetensors::Reader file = open(path);
  OwnedTensors owned;
  for (const Tensor& t : file.tensors()) {
    if (ends_with(t.name, ".adam_m") || ends_with(t.name, ".adam_v") || is_beside(t.name)) continue;
    auto& bytes = owned.storage.emplace_back(t.data.size());
    const auto find = [&](std::string_view tail) {
      return ends_with(t.name, kShadow) ? file.find(beside(t.name, tail)) : nullptr;
    };
    const Tensor *packed = find(kInt2), *rounded = find(kBf16);
    if (packed) {
      const int64_t shape[] = {t.shape.at(0), (t.shape.at(1) + 3) / 4};
      const Tensor& codes = file.at(packed->name, DType::u8, shape);
      unpack_rows(codes.as<uint8_t>().data(), t.shape[0], t.shape[1],
                  reinterpret_cast<float*>(bytes.data()));
    } else if (rounded) {
      const auto values = file.at(rounded->name, DType::bf16, t.shape).as<bf16>();
      for (size_t i = 0; i < values.size(); ++i) {
        const float x = to_float(values[i]);
        std::memcpy(&bytes[i * sizeof x], &x, sizeof x);
      }
    } else if (!bytes.empty()) {
      std::memcpy(bytes.data(), t.data.data(), bytes.size());
    }
    owned.tensors.push_back({t.name, t.type, t.shape, bytes.data()});
  }
  return owned;
}

}  // namespace nibble::train
