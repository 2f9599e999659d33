#include "nibble/harness/bench.h"

int main(int argc, char** argv) {
  return nibble::harness::bench_main("dual_gemm_ternary_s8", argc, argv);
}
