#include "nibble/harness/bench.h"

int main(int argc, char** argv) {
  return nibble::harness::bench_main("dual_gemm_nvfp4_nvfp4", argc, argv);
}
