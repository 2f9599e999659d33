#include "ptx_common.cuh"

int main(int argc, char** argv) {
  ptx_test::Tests t(argc, argv);
  ptx_test::add_common(t);
  t.add<ptx_test::Scales<nibble::cuda::tile::Widened>>();
  return t.failed() ? 1 : 0;
}
