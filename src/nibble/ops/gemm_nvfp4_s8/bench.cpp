#include "nibble/harness/bench.h"

int main(int argc, char** argv) { return nibble::harness::bench_main("gemm_nvfp4_s8", argc, argv); }
