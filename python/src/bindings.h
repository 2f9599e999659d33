// What the files of the extension module share. Arrays come from Python in C order; the pure-Python
// layer makes them so, and has checked nothing else.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <string>
#include <vector>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"

namespace nibble::python {

namespace nb = nanobind;

using Bytes = nb::ndarray<const uint8_t, nb::c_contig, nb::device::cpu>;
using NumpyBytes = nb::ndarray<nb::numpy, uint8_t>;
using NumpyFloats = nb::ndarray<nb::numpy, float>;

void bind_formats(nb::module_&);
void bind_files(nb::module_&);

// A NumPy array that owns the vector.
template <class T>
nb::ndarray<nb::numpy, T> numpy(std::vector<T> values, std::initializer_list<size_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(owned->data(), shape, owner);
}

// Null for few elements: starting threads takes longer than they save. 0 threads: all there are.
inline std::unique_ptr<Pool> pool_for(int64_t elements, int threads) {
  if (threads < 0) throw Error("threads must not be negative, got " + std::to_string(threads));
  if (threads == 0) threads = cpu::this_machine().cores;
  if (threads == 1 || elements < (1 << 20)) return nullptr;
  return cpu::make_pool(threads);
}

inline void expect(bool as_it_should_be, const std::string& otherwise) {
  if (!as_it_should_be) throw Error(otherwise);
}

}  // namespace nibble::python
