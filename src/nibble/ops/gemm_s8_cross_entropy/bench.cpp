#include "nibble/harness/bench.h"

int main(int argc, char** argv) {
  return nibble::harness::bench_main("gemm_s8_cross_entropy", argc, argv);
}
