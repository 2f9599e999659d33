#include "nibble/harness/verify.h"
#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"

using namespace nibble;
using namespace nibble::decode_nvfp4;

int main() {
  const bool refused =
      !Op::check({.rows = 1, .cols = 24}).ok() && !Op::check({.rows = 1, .cols = 16}).ok();

  // Stores past the caches are chosen for what does not fit them, and where they are quicker.
  constexpr Proof all[] = {{"decode_nvfp4", "avx512_stream", Level::proven, "x"},
                           {"decode_nvfp4", "avx512", Level::proven, "x"},
                           {"decode_nvfp4", "portable", Level::proven, "x"}};
  const auto on = [&](MicroArch uarch, DType type, int64_t l3_bytes) {
    Machine m;
    m.isas = Isa::avx2 | Isa::avx512, m.uarch = uarch, m.l3_bytes = l3_bytes;
    const auto* v = select<Op>(Args{.rows = 1024, .cols = 4096, .y = type}, m, all);
    return v ? v->name : "none";
  };
  const bool x86 = Op::variants().size() > 1;
  const auto past = x86 ? "avx512_stream" : "portable", through = x86 ? "avx512" : "portable";
  const bool chosen = on(MicroArch::zen4, DType::f32, 1 << 20) == past &&
                      on(MicroArch::zen5, DType::bf16, 1 << 20) == past &&
                      on(MicroArch::zen4, DType::bf16, 1 << 20) == through &&
                      on(MicroArch::zen5, DType::bf16, 1 << 30) == through;
  return harness::verify_main("decode_nvfp4", refused && chosen);
}
