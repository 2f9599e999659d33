// This layer in a build without CUDA: there is no device, and who asks for one is told why.
#include "nibble/cuda/ceilings.h"
#include "nibble/cuda/device.h"
#include "nibble/cuda/error.h"
#include "nibble/cuda/memory.h"
#include "nibble/cuda/nvtx.h"
#include "nibble/cuda/peaks.h"
#include "nibble/cuda/stream.h"

namespace nibble::cuda {
namespace {

Status none() {
  return Status::error("this build has no CUDA: configure with -DNIBBLE_CUDA=ON, which needs nvcc");
}

}  // namespace

Status status_of(int code, std::string_view) { return code == 0 ? Status() : none(); }
Status take_launch_error(std::string_view) { return {}; }
int device_count() { return 0; }
Status add_device(Machine&, int) { return none(); }
bool is_virtual(const Machine&) { return false; }

Status Memory::allocate(size_t) { return none(); }
void Memory::release() {}
Status copy(void*, const void*, size_t, void*) { return none(); }
Status fill(void*, std::byte, size_t, void*) { return none(); }
Status synchronize(void*) { return none(); }

void destroy_stream(void*) {}
void destroy_event(void*) {}
void destroy_graph(void*) {}
Status Stream::create() { return none(); }
Status Event::create() { return none(); }
Status Event::record(void*) { return none(); }
Status Event::between(const Event&, const Event&, float&) { return none(); }
Status Graph::begin(void*) { return none(); }
Status Graph::end(void*) { return none(); }
Status Graph::launch(void*) const { return none(); }

Status BandwidthProbe::create(size_t, void*) { return none(); }
Status BandwidthProbe::measure(void*, Bandwidth&) { return none(); }

Status tensor_peaks(IsaSet, int, int, void*, std::vector<TensorPeak>&) { return none(); }

Range::Range(const char*) {}
Range::~Range() {}

}  // namespace nibble::cuda
