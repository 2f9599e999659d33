#include "ptx_common.cuh"

int main(int argc, char** argv) {
  ptx_test::Tests t(argc, argv);
  ptx_test::add_common(t);
  return t.failed() ? 1 : 0;
}
