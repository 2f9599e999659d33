#include "nibble/harness/bench.h"

int main() { return nibble::harness::bench_main("gemm_s8_cross_entropy"); }
