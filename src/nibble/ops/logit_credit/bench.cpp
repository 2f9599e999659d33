#include "nibble/harness/bench.h"

int main(int argc, char** argv) { return nibble::harness::bench_main("logit_credit", argc, argv); }
