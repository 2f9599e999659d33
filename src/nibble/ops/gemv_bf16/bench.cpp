#include "nibble/harness/bench.h"

int main() { return nibble::harness::bench_main("gemv_bf16"); }
