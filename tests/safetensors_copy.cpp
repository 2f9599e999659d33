// safetensors_copy IN OUT: reads a checkpoint with our reader and writes it with our writer.
#include <cstdio>
#include <exception>

#include "nibble/runtime/safetensors.h"

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: safetensors_copy IN OUT\n"), 2;
  try {
    const nibble::safetensors::Reader reader(argv[1]);
    nibble::safetensors::write(argv[2], reader.tensors(), reader.metadata());
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
