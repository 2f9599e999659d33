#include "nibble/harness/bench.h"

int main() { return nibble::harness::bench_main("norm_quantise"); }
