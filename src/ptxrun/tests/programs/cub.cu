// Library code: a scan over decoupled look-back, a radix sort, a reduction.
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>

#include <algorithm>
#include <numeric>

#include "check.h"

template <class F>
void with_storage(F call) {
  size_t bytes = 0;
  CHECK(call(nullptr, bytes));
  Device<char> storage(bytes);
  CHECK(call(storage.p, bytes));
  CHECK(cudaDeviceSynchronize());
}

int main() {
  const int n = 12000;
  std::vector<int> x(n), sums(n);
  std::vector<unsigned> keys(n);
  for (int i = 0; i < n; ++i) x[i] = i * 7 % 13, keys[i] = unsigned(i) * 2654435761u;
  Device<int> dx(x), dy(n);
  with_storage(
      [&](void* s, size_t& b) { return cub::DeviceScan::InclusiveSum(s, b, dx.p, dy.p, n); });
  std::partial_sum(x.begin(), x.end(), sums.begin());
  int failed = verdict("scan", dy.host() == sums);

  Device<unsigned> dk(keys), dsorted(n);
  with_storage([&](void* s, size_t& b) {
    return cub::DeviceRadixSort::SortKeys(s, b, dk.p, dsorted.p, n, 0, 16);
  });
  std::stable_sort(keys.begin(), keys.end(),
                   [](unsigned a, unsigned b) { return (a & 0xffff) < (b & 0xffff); });
  failed += verdict("sort", dsorted.host() == keys);
  return failed;
}
