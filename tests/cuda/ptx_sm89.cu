#include "ptx_common.cuh"
#include "ptx_matrix.cuh"
#include "ptx_narrow.cuh"

int main(int argc, char** argv) {
  ptx_test::Tests t(argc, argv);
  ptx_test::add_common(t), ptx_test::add_matrix(t), ptx_test::add_narrow(t);
  return t.failed() ? 1 : 0;
}
