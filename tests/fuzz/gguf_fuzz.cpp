// Any bytes: parse() refuses them with one line, or its tensors lie within them and decode.
#include <cstdlib>

#include "nibble/runtime/error.h"
#include "nibble/runtime/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nibble;
  static volatile float sum;
  try {
    const auto contents = gguf::parse(std::as_bytes(std::span(data, size)), "f");
    for (const gguf::Tensor& t : contents.tensors) {
      int64_t count = 1;
      for (int64_t d : t.shape) count *= d;
      if (count != t.count()) std::abort();
      std::vector<float> values(size_t(t.count()));
      gguf::dequantise(t.type, t.data, values);
      for (float x : values) sum = sum + x;
    }
    for (const auto& [key, value] : contents.metadata)
      if (value.shown().find('\n') != std::string::npos) std::abort();
  } catch (const Error& e) {
    if (std::string_view(e.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
