#include "nibble/harness/bench.h"

int main() { return nibble::harness::bench_main("gemm_bf16_s8"); }
