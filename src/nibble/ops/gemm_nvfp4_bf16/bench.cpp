#include "nibble/harness/bench.h"

int main(int argc, char** argv) {
  return nibble::harness::bench_main("gemm_nvfp4_bf16", argc, argv);
}
