// What a user of an installed nibble writes: 2 * 3 + 4 * 5 by the variant this machine gets.
#include "nibble/cpu/detect.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"

int main() {
  using namespace nibble::gemm_s8;
  const int8_t a[2] = {2, 4}, b[2] = {3, 5};
  alignas(64) int8_t packed[packed_bytes(1, 2)];
  int32_t c = 0;
  pack(b, 2, 1, 2, packed);
  const auto status =
      nibble::run<Op>({.m = 1, .n = 1, .k = 2, .lda = 2, .ldc = 1, .a = a, .b = packed, .c = &c},
                      nibble::cpu::this_machine());
  return status.ok() && c == 26 ? 0 : 1;
}
