#include "ptx_narrow.cuh"
#include "ptx_overlap.cuh"

int main(int argc, char** argv) {
  ptx_test::Tests t(argc, argv);
  ptx_test::add_common(t);
  t.add<ptx_test::NarrowPair<nibble::e4m3>>();
  t.add<ptx_test::NarrowPair<nibble::e5m2>>();
  t.add<ptx_test::Scales<nibble::cuda::tile::Widened>>();
  const int wrong = ptx_test::add_overlap(t);
  return t.failed() + wrong ? 1 : 0;
}
