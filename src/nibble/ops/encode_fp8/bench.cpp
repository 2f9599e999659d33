#include "nibble/harness/bench.h"

int main(int argc, char** argv) { return nibble::harness::bench_main("encode_fp8", argc, argv); }
