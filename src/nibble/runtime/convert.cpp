#include "nibble/runtime/convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "nibble/runtime/checkpoint_writer.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"
#include "nibble/runtime/quantisation_config.h"
#include "nibble/runtime/weight_names.h"

namespace nibble {
namespace {

constexpr std::string_view kWeight = ".weight";

// Scales of one dtype as another that holds them exactly.
std::vector<std::byte> widened(const SourceTensor& from, const safetensors::Entry& to) {
  const auto count = size_t(int64_t(from.data.size()) / bytes_of(from.copy.type));
  std::vector<float> floats(count);
  for (size_t i = 0; i < count; ++i) {
    if (from.copy.type == DType::ue8m0) {
      floats[i] = to_float(ue8m0{std::to_integer<uint8_t>(from.data[i])});
    } else {
      bf16 narrow;
      std::memcpy(&narrow, &from.data[2 * i], sizeof narrow);
      floats[i] = to_float(narrow);
    }
  }
  if (to.type != DType::f32) throw Error("tensor " + in_quotes(to.name) + " must be F32");
  const auto bytes = std::as_bytes(std::span(floats));
  return {bytes.begin(), bytes.end()};
}

bool same_bytes(DType a, DType b) {
  const auto byte = [](DType t) { return t == DType::u8 || t == DType::i8 || t == DType::ue8m0; };
  return a == b || (byte(a) && byte(b));
}

struct Part {
  size_t id = 0;
  const SourceTensor* from = nullptr;
  std::vector<std::byte> data;  // in place of from's
};

class Converter {
 public:
  Converter(const Source& source, const std::filesystem::path& out, const ConvertOptions& options)
      : options_(options), source_(source), found_(recognise(source)), writer_(source, out) {}

  ConvertReport run(const std::function<void(const QuantiseProgress&)>& progress) {
    if (found_.weights.empty())
      throw Error(source_.path().string() +
                  " holds no quantised matrix: nibble quantize makes some");
    report_.weights = int64_t(found_.weights.size());
    for (const QuantisedWeight& w : found_.weights) plan(w);
    std::vector<std::string> ignored;
    for (const SourceTensor* t : found_.others) {
      parts_.push_back({writer_.add(t->shard, t->copy), t, {}});
      ++report_.copied;
      if (t->is_matrix_of_floats() && t->copy.name.ends_with(kWeight))
        ignored.push_back(t->copy.name.substr(0, t->copy.name.size() - kWeight.size()));
    }
    writer_.begin(config(ignored));
    QuantiseProgress now{.total = writer_.bytes()};
    for (const Part& p : parts_) {
      if (!p.data.empty()) writer_.put(p.id, 0, p.data);
      if (p.data.empty() && p.from)
        copy_tensor(*p.from, [&](int64_t begin, std::span<const std::byte> data) {
          writer_.put(p.id, begin, data);
        });
      if (p.from) now.done += int64_t(p.from->data.size()), now.name = p.from->copy.name;
      if (progress) progress(now);
    }
    writer_.commit();
    return report_;
  }

 private:
  void plan(const QuantisedWeight& w) {
    Encoding e = w.encoding;
    if (options_.layout == Layout::compressed_tensors && e.scale == Fp8Scale::ue8m0)
      e.scale = Fp8Scale::f32;
    const WeightEntries to = entries_of(options_.layout, e, w.name, w.shape);
    report_.renamed += w.layout != options_.layout;
    if (bytes_of(to.codes) != int64_t(w.codes->data.size()))
      throw Error("tensor " + in_quotes(w.codes->copy.name) + " does not fit the layout " +
                  std::string(to_string(options_.layout)));
    parts_.push_back({writer_.add(w.codes->shard, to.codes), w.codes, {}});
    const bool widen = !same_bytes(w.scales->copy.type, to.scales.type);
    parts_.push_back({writer_.add(w.scales->shard, to.scales), w.scales,
                      widen ? widened(*w.scales, to.scales) : std::vector<std::byte>()});
    if (to.tensor_scale) add_tensor_scale(*w.tensor_scale, w, *to.tensor_scale);
    if (to.ternary) parts_.push_back({writer_.add(w.codes->shard, *to.ternary), w.ternary, {}});
    if (to.hadamard) parts_.push_back({writer_.add(w.codes->shard, *to.hadamard), w.hadamard, {}});
    if (w.input_scale) add_input_scale(w);
  }

  void add_tensor_scale(const SourceTensor& from, const QuantisedWeight& w,
                        const safetensors::Entry& to) {
    float s = 0;
    std::memcpy(&s, from.data.data(), sizeof s);
    const bool flip =
        (w.layout == Layout::compressed_tensors) != (options_.layout == Layout::compressed_tensors);
    if (flip && !exact_reciprocal(s, s)) {
      if (!options_.round_scales)
        throw Error("tensor " + in_quotes(from.copy.name) + " is a scale whose reciprocal, which " +
                    std::string(to_string(options_.layout)) +
                    " keeps, cannot be turned back exactly: --round-scales takes the nearest");
      ++report_.rounded;
    }
    const auto bytes = std::as_bytes(std::span(&s, 1));
    parts_.push_back({writer_.add(from.shard, to), &from, {bytes.begin(), bytes.end()}});
  }

  // Of NVFP4 activations: it has another name, and is the reciprocal, in each layout. Of other
  // formats it stays as it is.
  void add_input_scale(const QuantisedWeight& w) {
    const SourceTensor& from = *w.input_scale;
    if (w.encoding.format != WeightFormat::nvfp4 || w.layout == options_.layout) {
      parts_.push_back({writer_.add(from.shard, from.copy), &from, {}});
      return;
    }
    if (from.copy.type != DType::f32 || from.data.size() != sizeof(float))
      throw Error("tensor " + in_quotes(from.copy.name) + " must be one F32: it is a tensor scale");
    const std::string stem = w.name.substr(0, w.name.size() - kWeight.size());
    const bool named = w.name.ends_with(kWeight);
    switch (options_.layout) {
      case Layout::compressed_tensors:
        return add_tensor_scale(from, w, {stem + ".input_global_scale", DType::f32, {1}});
      case Layout::modelopt:
        return add_tensor_scale(from, w, {stem + ".input_scale", DType::f32, {}});
      default:
        return add_tensor_scale(
            from, w, {(named ? w.name : from.copy.name) + ".input_scale", DType::f32, {}});
    }
  }

  std::string config(const std::vector<std::string>& ignored) const {
    const Encoding& e = found_.weights.front().encoding;
    for (const QuantisedWeight& w : found_.weights)
      if (w.encoding.format != e.format && options_.layout != Layout::plain)
        throw Error("the checkpoint has " + std::string(to_string(e.format)) + " and " +
                    std::string(to_string(w.encoding.format)) +
                    ", and only --layout plain keeps both");
    return make_quantisation_config(options_.layout, e, ignored);
  }

  const ConvertOptions& options_;
  const Source& source_;
  Recognised found_;
  CheckpointWriter writer_;
  ConvertReport report_;
  std::vector<Part> parts_;
};

}  // namespace

bool exact_reciprocal(float s, float& reciprocal) {
  const float r = 1 / s;
  for (float candidate : {r, std::nextafter(r, 0.0f), std::nextafter(r, INFINITY)})
    if (std::isfinite(candidate) && 1 / candidate == s) return reciprocal = candidate, true;
  return reciprocal = r, false;
}

ConvertReport convert(const Source& source, const std::filesystem::path& out,
                      const ConvertOptions& options,
                      const std::function<void(const QuantiseProgress&)>& progress) {
  if (source.gguf())
    throw Error(source.path().string() +
                " is a GGUF file: convert changes safetensors; nibble quantize reads both");
  return Converter(source, out, options).run(progress);
}

}  // namespace nibble
