#include <algorithm>
#include <cmath>
#include <cstring>

#include "nibble/ops/adam_ternary/adam_ternary.h"

namespace nibble::adam_ternary {

Status Op::check(const Args& a) {
  if (a.k < 4 || a.k % 4 != 0 || a.n < 16 || a.n % 16 != 0)
    return Status::error("adam_ternary: k must be a multiple of 4 and n of 16, got " +
                         std::to_string(a.k) + " and " + std::to_string(a.n));
  if (a.parts < 0 || (a.parts > 1 && a.part_stride < int64_t(a.k) * a.n))
    return Status::error("adam_ternary: part_stride must be at least k * n");
  if (a.max_code < 1 || a.max_code > 127)
    return Status::error("adam_ternary: max_code must be in 1..127, got " +
                         std::to_string(a.max_code));
  if (!(a.limit > 0) || !(a.epsilon > 0))
    return Status::error("adam_ternary: limit and epsilon must be positive");
  if (!a.shadow || !a.m || !a.v || a.in_bf16 != (a.weight == nullptr) ||
      a.in_bf16 != (a.wide != nullptr) || (a.parts > 0) != (a.grad != nullptr))
    return Status::error("adam_ternary: a buffer that the shape asks for is null, or the reverse");
  for (const void* p : {static_cast<const void*>(a.weight), static_cast<const void*>(a.wide)})
    if (reinterpret_cast<uintptr_t>(p) % 64 != 0)
      return Status::error("adam_ternary: weights must be aligned to 64 bytes");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  const int64_t size = int64_t(a.k) * a.n;
  v.inout("grad", a.grad, a.parts == 0 ? 0 : (a.parts - 1) * a.part_stride + size);
  v.inout("shadow", a.shadow, size);
  v.inout("m", a.m, size);
  v.inout("v", a.v, size);
  v.out("weight", a.weight, a.in_bf16 ? 0 : gemm_s8::packed_bytes(a.n, a.k), 64);
  v.out("wide", a.wide, a.in_bf16 ? size : 0, 64);
}

void Op::reference(const Args& a) {
  for (int n = 0; n < a.n; ++n) {
    int32_t codes = 0;
    for (int k = 0; k < a.k; ++k) {
      const int64_t i = int64_t(k) * a.n + n;
      if (a.parts > 0) {
        int64_t sum = 0;
        for (int p = 0; p < a.parts; ++p) {
          sum += a.grad[p * a.part_stride + i];
          a.grad[p * a.part_stride + i] = 0;
        }
        const float g = float(sum) * a.unit;
        a.m[i] = a.beta1 * a.m[i] + (1 - a.beta1) * g;
        a.v[i] = a.beta2 * a.v[i] + ((1 - a.beta2) * g) * g;
        const float step = (a.rate * a.m[i]) / (std::sqrt(a.v[i] * a.v_scale) + a.epsilon);
        a.shadow[i] = std::clamp(a.shadow[i] - step, -a.limit, a.limit);
      }
      if (a.in_bf16) {
        a.wide[gemm_bf16_s8::slot(n, k, a.k)] = gemm_bf16_s8::weight_of(a.shadow[i] * a.code_scale);
        continue;
      }
      const float most = float(a.max_code);
      const auto code = int8_t(std::nearbyint(std::clamp(a.shadow[i] * a.code_scale, -most, most)));
      a.weight[gemm_s8::slot(n, k, a.k)] = code;
      codes += code;
    }
    if (a.in_bf16) continue;
    codes *= 128;
    std::memcpy(a.weight + gemm_s8::sums_offset(a.n, a.k) + 4 * n, &codes, 4);
  }
}

}  // namespace nibble::adam_ternary
