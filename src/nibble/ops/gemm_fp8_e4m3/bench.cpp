#include "nibble/harness/bench.h"

int main(int argc, char** argv) { return nibble::harness::bench_main("gemm_fp8_e4m3", argc, argv); }
