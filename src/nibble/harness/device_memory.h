// The buffers of one case on the GPU.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "nibble/cuda/memory.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/op_view.h"

namespace nibble::harness {

// Allocates what it visits on the device, each buffer by itself and up to its last byte, so that
// ptxrun and compute-sanitizer see what reads or writes behind it. `shifted` puts it at the least
// alignment that its contract allows, behind a guard band.
class DeviceMemory final : public BufferVisitor {
 public:
  explicit DeviceMemory(bool shifted) : shifted_(shifted) {}

  const Status& status() const { return status_; }  // the first thing that was refused
  void poison(Role, std::byte, void* stream);
  void upload(const Contents&, Role, void* stream);
  // Waits for the stream. Every buffer, or the error of what ran.
  Status download(Contents&, void* stream);
  // Name of the first buffer whose guard band was written, or empty.
  std::string broken_guard(void* stream);

 private:
  struct Place {
    std::string name;
    Role role;
    size_t bytes;
    cuda::Memory memory;
    std::byte* data;
  };
  void* buffer(std::string_view name, Role, DType, int64_t count, int align, void* now) override;
  void note(Status s) {
    if (status_.ok()) status_ = std::move(s);
  }

  bool shifted_;
  std::vector<Place> places_;
  Status status_;
};

}  // namespace nibble::harness
