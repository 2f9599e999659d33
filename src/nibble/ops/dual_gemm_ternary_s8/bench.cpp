#include "nibble/harness/bench.h"

int main() { return nibble::harness::bench_main("dual_gemm_ternary_s8"); }
