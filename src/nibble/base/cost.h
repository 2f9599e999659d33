// Predicted costs for the tables of ops, in microseconds on one thread: Variant::cost.
#pragma once
#include <algorithm>
#include <cstdint>

#include "nibble/base/op.h"

namespace nibble {

// count(args) of whatever a variant does, `kPerMicrosecond` of them in one.
template <auto count, int kPerMicrosecond, class Args>
double at_rate(const Args& a, const Machine&) {
  return double(count(a)) / kPerMicrosecond;
}

// What binds: bytes(args) from memory at kGigabytes a second, or products(args) at kGigaproducts.
template <auto bytes, int kGigabytes, auto products, int kGigaproducts, class Args>
double at_rates(const Args& a, const Machine&) {
  return std::max(double(bytes(a)) / kGigabytes, double(products(a)) / kGigaproducts) * 1e-3;
}

// The op's operations.
template <class Op, int kPerMicrosecond>
double computed(const typename Op::Args& a, const Machine&) {
  return double(Op::work(a).ops) / kPerMicrosecond;
}

// To move the op's least bytes at 3 TB/s, times kPercent / 100: of a device that nobody has timed
// yet. Between CUDA variants only the order counts: that which was compiled for the device.
template <class Op, int kPercent>
double streamed(const typename Op::Args& a, const Machine&) {
  return double(Op::work(a).bytes) / 3e8 * kPercent;
}

}  // namespace nibble
