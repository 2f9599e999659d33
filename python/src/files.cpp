// Checkpoints on disk.
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstring>

#include "bindings.h"
#include "nibble/runtime/quantised.h"
#include "nibble/runtime/safetensors.h"
#include "nibble/runtime/source.h"

namespace nibble::python {
namespace {

DType dtype_called(const std::string& name) {
  for (int i = 0; i <= int(DType::u8); ++i)
    if (safetensors::format_name(DType(i)) == name) return DType(i);
  throw Error("safetensors has no dtype for " + name);
}

// name, dtype as safetensors spells it, shape, bytes
using Named = std::tuple<std::string, std::string, std::vector<int64_t>, Bytes>;

void save(const std::string& path, const std::vector<Named>& tensors,
          const std::map<std::string, std::string>& metadata) {
  std::vector<safetensors::Tensor> all;
  for (const auto& [name, dtype, shape, bytes] : tensors)
    all.push_back({.name = name,
                   .type = dtype_called(dtype),
                   .shape = shape,
                   .data = std::as_bytes(std::span(bytes.data(), bytes.size()))});
  nb::gil_scoped_release release;
  safetensors::write(path, all, safetensors::Metadata(metadata.begin(), metadata.end()));
}

// A tensor as its file has it: name, format ("BF16", "Q8_0"), dtype of the array it becomes, shape,
// bytes in the file, file.
using Info =
    std::tuple<std::string, std::string, std::string, std::vector<int64_t>, int64_t, std::string>;

std::vector<Info> infos(const Source& s) {
  std::vector<Info> all;
  for (const SourceTensor& t : s.tensors())
    all.emplace_back(
        t.copy.name, std::string(t.format),
        std::string(t.copy.stored.empty() ? safetensors::format_name(t.copy.type) : t.copy.stored),
        t.copy.shape, int64_t(t.data.size()), s.shards()[t.shard]);
  return all;
}

// The bytes in place; the array keeps the file open. Blocks of GGUF become floats, in new memory.
nb::object bytes(nb::handle self, size_t i) {
  const Source& s = nb::cast<const Source&>(self);
  expect(i < s.tensors().size(), "there is no such tensor");
  const SourceTensor& t = s.tensors()[i];
  if (!t.blocks) {
    const size_t size = t.data.size();
    return nb::cast(nb::ndarray<nb::numpy, const uint8_t>(t.data.data(), {size}, self));
  }
  std::vector<uint8_t> values(size_t(safetensors::bytes_of(t.copy)));
  {
    nb::gil_scoped_release release;
    copy_tensor(t, [&](int64_t begin, std::span<const std::byte> piece) {
      std::memcpy(values.data() + begin, piece.data(), piece.size());
    });
  }
  const size_t size = values.size();
  return nb::cast(numpy(std::move(values), {size}));
}

// A quantised matrix: name, format, layout, shape, and its parts by what they are.
using Weight = std::tuple<std::string, std::string, std::string, std::vector<int64_t>,
                          std::map<std::string, std::string>>;

std::vector<Weight> weights(const Source& s) {
  std::vector<Weight> all;
  for (const QuantisedWeight& w : recognise(s).weights) {
    std::map<std::string, std::string> parts;
    const auto add = [&](const char* what, const SourceTensor* t) {
      if (t) parts[what] = t->copy.name;
    };
    add("codes", w.codes);
    add("scales", w.scales);
    add("global_scale", w.tensor_scale);
    add("input_scale", w.input_scale);
    add("hadamard", w.hadamard);
    all.emplace_back(w.name, std::string(to_string(w.encoding.format)),
                     std::string(to_string(w.layout)), w.shape, parts);
  }
  return all;
}

NumpyFloats dequantized(const Source& s, const std::string& name, int threads) {
  const Recognised found = recognise(s);
  for (const QuantisedWeight& w : found.weights) {
    if (w.name != name) continue;
    std::vector<float> y(size_t(w.rows() * w.cols()));
    {
      nb::gil_scoped_release release;
      const auto pool = pool_for(int64_t(y.size()), threads);
      decode_rows(w, 0, w.rows(), cpu::this_machine(), pool.get(), y.data());
    }
    const size_t size = y.size();
    return numpy(std::move(y), {size});
  }
  throw Error("the checkpoint has no quantised matrix '" + name + "'");
}

std::map<std::string, std::string> metadata(const Source& s) {
  std::map<std::string, std::string> all(s.metadata().begin(), s.metadata().end());
  if (s.gguf())
    for (const auto& [key, value] : s.gguf()->contents().metadata) all[key] = value.shown();
  return all;
}

}  // namespace

void bind_files(nb::module_& m) {
  nb::class_<Source>(m, "Source")
      .def("__init__",
           [](Source* self, const std::string& path) {
             nb::gil_scoped_release release;
             new (self) Source(path);
           })
      .def("infos", infos)
      .def("bytes", bytes)
      .def("weights", weights)
      .def("dequantized", dequantized)
      .def("metadata", metadata);
  m.def("save", save);
}

}  // namespace nibble::python
