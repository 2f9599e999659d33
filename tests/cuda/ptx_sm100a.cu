#include "ptx_multicast.cuh"
#include "ptx_narrow.cuh"
#include "ptx_overlap.cuh"
#include "ptx_tcgen05.cuh"

int main(int argc, char** argv) {
  ptx_test::Tests t(argc, argv);
  ptx_test::add_common(t), ptx_test::add_matrix(t), ptx_test::add_narrow(t);
  ptx_test::add_overlap(t), ptx_test::add_async(t), ptx_test::add_multicast(t);
  t.add<ptx_test::NarrowPair<nibble::e2m1>>();
  t.add<ptx_test::E2m1s<nibble::cuda::tile::RoundByConversion>>();
  t.add<ptx_test::Codes<nibble::cuda::tile::Converted, true>>();
  ptx_test::add_tcgen05(t);
  return t.failed() ? 1 : 0;
}
