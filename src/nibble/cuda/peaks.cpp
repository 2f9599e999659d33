#include "nibble/cuda/peaks.h"

#include <algorithm>
#include <string>

#include "nibble/cuda/device.h"
#include "nibble/cuda/error.h"
#include "nibble/cuda/memory.h"
#include "nibble/cuda/peak_kernels.h"
#include "nibble/cuda/stream.h"

namespace nibble::cuda {
namespace {

Status check_sums(const PeakKernel& k, int loops, const Memory& sums, void* stream) {
  std::vector<float> got(sums.bytes() / sizeof(float));
  if (Status s = copy(got.data(), sums.data(), sums.bytes(), stream); !s.ok()) return s;
  if (Status s = synchronize(stream); !s.ok()) return s;
  const auto want = float(k.sums * k.per_sum * loops);
  for (float x : got)
    if (x != want)
      return Status::error("the sums of " + std::string(k.name) + " are " + std::to_string(x) +
                           ", not " + std::to_string(want));
  return {};
}

Status measure(const PeakKernel& k, int blocks, int samples, int loops, void* stream,
               TensorPeak& peak) {
  Memory sums;
  if (Status s = sums.allocate(size_t(blocks * k.threads) * sizeof(float)); !s.ok()) return s;
  std::vector<double> rates;
  for (int i = 0; i < samples + 1; ++i) {
    Event first, last;
    float ms = 0;
    if (Status s = first.create(); !s.ok()) return s;
    if (Status s = last.create(); !s.ok()) return s;
    if (Status s = first.record(stream); !s.ok()) return s;
    k.run(blocks, loops, reinterpret_cast<float*>(sums.data()), stream);
    if (Status s = take_launch_error("multiplying"); !s.ok()) return s;
    if (Status s = last.record(stream); !s.ok()) return s;
    if (Status s = Event::between(first, last, ms); !s.ok()) return s;
    if (i > 0 && ms > 0) rates.push_back(2 * k.macs * loops * blocks / double(ms) * 1e-9);
  }
  if (Status s = check_sums(k, loops, sums, stream); !s.ok()) return s;
  std::sort(rates.begin(), rates.end());
  peak = {.name = k.name, .tera_ops = rates.empty() ? 0 : rates[rates.size() / 2]};
  return {};
}

}  // namespace

Status tensor_peaks(IsaSet isas, int samples, int loops, void* stream,
                    std::vector<TensorPeak>& peaks) {
  Machine m;
  if (Status s = add_device(m); !s.ok()) return s;
  const int multiprocessors = is_virtual(m) ? 1 : m.sm_count;  // of ptxrun: no rate means anything
  for (const auto kernels :
       {peaks_sm80(), peaks_sm89(), peaks_sm90a(), peaks_sm100a(), peaks_sm120f()})
    for (const PeakKernel& k : kernels) {
      if (!(k.needs - isas).empty()) continue;
      if (Status s =
              measure(k, k.blocks * multiprocessors, samples, loops, stream, peaks.emplace_back());
          !s.ok())
        return s;
    }
  return {};
}

}  // namespace nibble::cuda
