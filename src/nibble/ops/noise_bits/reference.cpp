#include "nibble/base/random.h"
#include "nibble/ops/noise_bits/noise_bits.h"

namespace nibble::noise_bits {

Status Op::check(const Args& a) {
  if (a.words < 4 || a.words % 4 != 0 || a.words > int64_t(1) << 34)
    return Status::error("noise_bits: words must be a multiple of 4 in 4..2^34, got " +
                         std::to_string(a.words));
  if (!a.out) return Status::error("noise_bits: out must not be null");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) { v.out("out", a.out, a.words); }

void Op::reference(const Args& a) {
  for (int64_t i = 0; i < a.words / 4; ++i) {
    const auto block =
        philox4x32({uint32_t(i), a.counter[0], a.counter[1], a.counter[2]}, {a.key[0], a.key[1]});
    for (int j = 0; j < 4; ++j) a.out[4 * i + j] = block[j];
  }
}

}  // namespace nibble::noise_bits
