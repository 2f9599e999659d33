// Any bytes as an index: they are refused with one line, or name plain files.
#include <cstdlib>

#include "nibble/runtime/error.h"
#include "nibble/runtime/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nibble;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& [name, shard] : safetensors::parse_index(text, "f").shards)
      if (shard.find('/') != std::string::npos || shard.empty() || shard == "..") std::abort();
  } catch (const Error& e) {
    if (std::string_view(e.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
