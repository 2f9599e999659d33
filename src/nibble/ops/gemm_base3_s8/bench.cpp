#include "nibble/harness/bench.h"

int main() { return nibble::harness::bench_main("gemm_base3_s8"); }
