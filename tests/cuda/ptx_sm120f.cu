#include "ptx_async.cuh"
#include "ptx_e2m1.cuh"
#include "ptx_overlap.cuh"
#include "ptx_scaled.cuh"

int main(int argc, char** argv) {
  ptx_test::Tests t(argc, argv);
  ptx_test::add_common(t), ptx_test::add_matrix(t), ptx_test::add_narrow(t);
  ptx_test::add_overlap(t), ptx_test::add_async(t);
  ptx_test::add_e2m1(t);
  t.add_together<ptx_test::ScaledMma<ptx_test::E4m3Scales>>();
  t.add_together<ptx_test::ScaledMma<ptx_test::Ue8m0Scales>>();
  return t.failed() ? 1 : 0;
}
