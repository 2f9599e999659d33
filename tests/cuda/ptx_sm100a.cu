#include "ptx_e2m1.cuh"
#include "ptx_multicast.cuh"
#include "ptx_overlap.cuh"
#include "ptx_tcgen05.cuh"

int main(int argc, char** argv) {
  ptx_test::Tests t(argc, argv);
  ptx_test::add_common(t), ptx_test::add_matrix(t), ptx_test::add_narrow(t);
  ptx_test::add_overlap(t), ptx_test::add_async(t), ptx_test::add_multicast(t);
  ptx_test::add_e2m1(t);
  ptx_test::add_tcgen05(t);
  return t.failed() ? 1 : 0;
}
