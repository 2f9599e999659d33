#include "nibble/cuda/ceilings.h"

#include "nibble/cuda/error.h"
#include "nibble/cuda/read_all.h"
#include "nibble/cuda/stream.h"

namespace nibble::cuda {
namespace {

template <class Work>
Status rate(void* stream, double bytes, double& gb_per_s, const Work& work) {
  Event first, last;
  float ms = 0;
  if (Status s = first.create(); !s.ok()) return s;
  if (Status s = last.create(); !s.ok()) return s;
  if (Status s = first.record(stream); !s.ok()) return s;
  if (Status s = work(); !s.ok()) return s;
  if (Status s = last.record(stream); !s.ok()) return s;
  if (Status s = Event::between(first, last, ms); !s.ok()) return s;
  gb_per_s = ms > 0 ? bytes / double(ms) * 1e-6 : 0;
  return {};
}

}  // namespace

Status BandwidthProbe::create(size_t bytes, void* stream) {
  if (Status s = from_.allocate(bytes); !s.ok()) return s;
  if (Status s = to_.allocate(bytes); !s.ok()) return s;
  return fill(from_.data(), std::byte{1}, bytes, stream);
}

Status BandwidthProbe::measure(void* stream, Bandwidth& b) {
  const auto bytes = double(from_.bytes());
  Status s = rate(stream, bytes, b.read_gb_per_s, [&] {
    read_all(from_.data(), int64_t(from_.bytes()), reinterpret_cast<uint32_t*>(to_.data()), stream);
    return take_launch_error("reading memory");
  });
  if (!s.ok()) return s;
  return rate(stream, 2 * bytes, b.copy_gb_per_s,
              [&] { return copy(to_.data(), from_.data(), from_.bytes(), stream); });
}

}  // namespace nibble::cuda
