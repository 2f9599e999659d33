// Compiled once per ISA. On one thread: rows are few, and the magnitude is one sum.
#pragma once
#include "nibble/cpu/vec16.h"
#include "nibble/ops/credit_noise/kernels.h"

namespace nibble::credit_noise {
namespace {

inline void run(const Args& a, const Exec&) {
  const cpu::F16 unit = cpu::splat(1.0f / float(int64_t(1) << a.shift));
  int64_t magnitude = 0;
  for (int64_t t = 0; t < a.rows; ++t) {
    cpu::I16 total = cpu::splat(0);  // per row at most 127 * n / 16 a lane
    for (int j = 0; j < a.n; j += 16) {
      const uint16_t* noise = a.noise + t * a.ld_noise + j / 16;
      cpu::I16 sum = cpu::splat(0);
      for (int l = 0; l < a.lanes; ++l)
        sum = sum + cpu::signed_by(noise[l * a.lane_rows * a.ld_noise],
                                   cpu::splat(a.credit[l * a.lane_rows + t]));
      const cpu::I16 z = cpu::round_clamped(cpu::to_float(sum) * unit, -127.0f, 127.0f);
      cpu::store(a.z + t * a.ldz + j, z);
      total = total + cpu::abs(z);
    }
    magnitude += cpu::sum(total);
  }
  a.magnitude[0] += magnitude;
}

}  // namespace
}  // namespace nibble::credit_noise
