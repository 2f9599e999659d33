#include "nibble/harness/bench.h"

int main(int argc, char** argv) {
  return nibble::harness::bench_main("grouped_gemm_mxfp4_s8", argc, argv);
}
