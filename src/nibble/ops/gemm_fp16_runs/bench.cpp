#include "nibble/harness/bench.h"

int main() { return nibble::harness::bench_main("gemm_fp16_runs"); }
