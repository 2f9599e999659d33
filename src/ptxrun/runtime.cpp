#include "runtime.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "access.h"
#include "registers.h"
#include "stats.h"

namespace ptxrun {
namespace {

struct sigaction old_segv;

// Host code that dereferences a device pointer lands here: the addresses are mapped without access.
void on_segv(int signal, siginfo_t* info, void* context) {
  Runtime& rt = Runtime::get();
  const uint64_t at = reinterpret_cast<uint64_t>(info->si_addr);
  if (rt.memory.is_reserved(at)) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(at));
    rt.report.add({.kind = FaultKind::host,
                   .what = std::string("host code dereferenced device address ") + text + ": " +
                           rt.memory.describe(at)});
  }
  sigaction(SIGSEGV, &old_segv, nullptr);
  (void)signal, (void)context;  // the access is repeated and ends the process as usual
}

void add_counts(const Kernel& to, const Kernel& from) {
  if (to.counts.size() < from.counts.size()) to.counts.resize(from.counts.size());
  for (size_t i = 0; i < from.counts.size(); ++i) add(to.counts[i], from.counts[i]);
}

void at_exit() {
  Runtime& rt = Runtime::get();
  for (int d = 0; d < rt.options.devices; ++d) rt.streams.finish_all(d);
  std::vector<const Kernel*> kernels;  // counters of all devices with the first that ran it
  for (const auto& [function, k] : rt.kernels) {
    const Kernel* first = nullptr;
    for (const LoadedModule::OnDevice& on : k.module->on) {
      const auto it = on.kernels.find(k.name);
      if (it == on.kernels.end()) continue;
      if (!first)
        kernels.push_back(first = it->second.get());
      else
        add_counts(*first, *it->second);
    }
  }
  if (!rt.options.stats.empty()) {
    const std::string why = write_stats(rt.options.stats, rt.options, kernels, rt.report);
    if (!why.empty()) std::fprintf(stderr, "ptxrun: %s\n", why.c_str());
  }
  rt.report.ledger("done " + std::to_string(rt.launches) + " " + std::to_string(rt.steps));
}

cudaError_t error_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::out_of_bounds:
    case FaultKind::no_peer:
      return cudaErrorIllegalAddress;
    case FaultKind::misaligned:
      return cudaErrorMisalignedAddress;
    case FaultKind::assertion:
      return cudaErrorAssert;
    case FaultKind::deadlock:
      return cudaErrorLaunchTimeout;
    case FaultKind::misuse:
      return cudaErrorIllegalInstruction;
    default:
      return cudaErrorLaunchFailure;
  }
}

Options options_given() {
  Options options;
  if (const char* text = std::getenv("PTXRUN_OPTIONS")) {
    const std::string why = read_options(text, options);
    if (!why.empty()) {
      std::fprintf(stderr, "ptxrun: %s\n", why.c_str());
      std::_Exit(87);
    }
  }
  return options;
}

}  // namespace

Runtime& Runtime::get() {
  static Runtime* runtime = new Runtime;  // never destroyed: programs call in from their own exits
  return *runtime;
}

Runtime::Runtime() : options(options_given()) {
  device = device_named(options.device);
  if (!device) {
    std::fprintf(stderr, "ptxrun: there is no device %s\n", options.device.c_str());
    std::_Exit(87);
  }
  memory.capacity = device->memory;
  struct sigaction action = {};
  action.sa_sigaction = on_segv;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &old_segv);
  std::atexit(at_exit);
}

LoadedModule* Runtime::add_module(const uint8_t* data) {
  modules_.push_back(std::make_unique<LoadedModule>());
  modules_.back()->data = data;
  return modules_.back().get();
}

cudaError_t Runtime::refuse(cudaError_t error, const std::string& sentence) {
  report.add({.kind = FaultKind::refused, .what = sentence});
  return fail(error);
}

// The best PTX for the device: its own target before a plain one, a later one before an earlier.
cudaError_t Runtime::load(LoadedModule& m) {
  if (m.loaded) {
    if (m.ptx) place_variables(m, current_device());
    return m.error;
  }
  m.loaded = true;
  const FatBinary fat = read_fat_binary(m.data);
  if (!fat.error.empty()) return m.error = refuse(cudaErrorInvalidKernelImage, fat.error);
  std::string targets;
  int best = -1;
  for (const PtxImage& image : fat.ptx) {
    std::unique_ptr<Module> ptx;
    try {
      ptx = parse_ptx(image.text);
    } catch (const ParseError& e) {
      return m.error = refuse(cudaErrorInvalidPtx, e.what());
    }
    targets += " " + ptx->target;
    if (!runs(*device, ptx->target)) continue;
    const int rank =
        10 * std::atoi(ptx->target.c_str() + 3) + (std::isalpha(ptx->target.back()) ? 1 : 0);
    if (rank > best) best = rank, m.ptx = std::move(ptx);
  }
  if (!m.ptx) {
    const std::string why =
        fat.compressed_ptx ? "its PTX is compressed: compile with --compress-mode=none"
        : fat.ptx.empty()
            ? "it holds no PTX: compile with -gencode arch=compute_X,code=[compute_X,sm_X]"
            : "its PTX is for" + targets;
    return m.error = refuse(cudaErrorNoKernelImageForDevice,
                            "a fat binary of the program has nothing that runs on " +
                                std::string(device->name) + ": " + why);
  }
  place_variables(m, current_device());
  return cudaSuccess;
}

// Managed variables are one for all devices.
void Runtime::place_variables(LoadedModule& m, int device) {
  LoadedModule::OnDevice& on = m.on[size_t(device)];
  if (on.placed) return;
  on.placed = true;
  Symbols& symbols = on.symbols;
  for (const Variable& v : m.ptx->variables) {
    if (v.space != Space::global && v.space != Space::constant) continue;
    if (v.external) continue;
    const bool managed = std::any_of(variables.begin(), variables.end(), [&](const auto& x) {
      return x.second.module == &m && x.second.name == v.name && x.second.managed;
    });
    if (managed)
      for (const LoadedModule::OnDevice& other : m.on)
        if (&other != &on && other.placed) symbols[&v] = other.symbols.at(&v);
    if (symbols.count(&v)) continue;
    const Allocation* a =
        memory.allocate(v.bytes(), managed ? Allocation::Kind::managed : Allocation::Kind::variable,
                        v.name, device);
    if (!a) continue;
    std::copy(v.initial.begin(), v.initial.end(), a->data);
    symbols[&v] = a->base;
  }
  for (const Variable& v : m.ptx->variables)
    for (const Variable::Address& x : v.addresses)
      for (const auto& [other, base] : symbols)
        if (other->name == x.name) {
          const uint64_t value = base + uint64_t(x.offset);
          std::memcpy(memory.find(symbols[&v], 1)->data + x.at, &value, sizeof value);
        }
  for (auto& [host, registered] : variables)
    if (registered.module == &m && registered.managed)
      for (const auto& [v, base] : symbols)
        if (v->name == registered.name) *registered.managed = reinterpret_cast<void*>(base);
}

cudaError_t Runtime::kernel(const void* function, RegisteredKernel*& registered, Kernel*& out) {
  auto it = kernels.find(function);
  if (it == kernels.end()) return fail(cudaErrorInvalidDeviceFunction);
  registered = &it->second;
  LoadedModule& m = *registered->module;
  if (cudaError_t e = load(m); e != cudaSuccess) return fail(e);
  LoadedModule::OnDevice& on = m.on[size_t(current_device())];
  std::unique_ptr<Kernel>& k = on.kernels[registered->name];
  if (!k) {
    const Function* f = m.ptx->find(registered->name);
    if (!f || !f->defined)
      return refuse(cudaErrorInvalidDeviceFunction,
                    "the PTX for " + m.ptx->target + " has no kernel " + registered->name);
    k = bind_kernel(*m.ptx, *f, on.symbols, memory);
    for (const std::string& u : k->unknown)
      report.add({.kind = FaultKind::refused, .what = "kernel " + k->name + ", " + u});
  }
  out = k.get();
  return k->unknown.empty() ? cudaSuccess : fail(cudaErrorInvalidPtx);
}

cudaError_t Runtime::variable(const void* symbol, uint64_t& address, uint64_t& bytes) {
  auto it = variables.find(symbol);
  if (it == variables.end()) return fail(cudaErrorInvalidSymbol);
  if (cudaError_t e = load(*it->second.module); e != cudaSuccess) return fail(e);
  for (const auto& [v, base] : it->second.module->on[size_t(current_device())].symbols)
    if (v->name == it->second.name) {
      address = base, bytes = v->bytes();
      return cudaSuccess;
    }
  return fail(cudaErrorInvalidSymbol);
}

// A launch is checked as if the four parts of a multiprocessor had equally many of its warps.
bool Runtime::fits_registers(const Kernel& k, uint64_t threads) const {
  const uint64_t warps = (threads + 4 * kLanes - 1) / (4 * kLanes) * 4;
  return warps * kLanes * allocated_registers(registers_of(k)) <= kRegistersPerSm;
}

int Runtime::occupancy(const Kernel& k, int threads, size_t dynamic_shared) const {
  if (threads <= 0 || threads > int(kMaxThreads)) return 0;
  const int rounded = (threads + kLanes - 1) / kLanes * kLanes;
  const size_t shared = (k.static_shared + dynamic_shared + kSharedReserved + 127) / 128 * 128;
  const int by_shared = int(device->shared_per_sm / shared);
  if (!fits_registers(k, uint64_t(threads))) return 0;
  // Each of the four parts of a multiprocessor has a quarter of the registers for its warps.
  const int a_warp = int(allocated_registers(registers_of(k))) * kLanes;
  const int by_registers = int(kRegistersPerSm) / 4 / a_warp * 4 / (rounded / kLanes);
  return std::min(
      {device->blocks_per_sm, device->threads_per_sm / rounded, by_shared, by_registers});
}

void Runtime::run(const Launch& request) {
  if (sticky != cudaSuccess) return;
  Launch launch = request;  // a graph runs its launches again
  static uint64_t id = 0;
  launch.id = ++id;
  constexpr uint64_t kWorkspace = 64;
  if (launch.cooperative)
    if (const Allocation* a =
            memory.allocate(kWorkspace, Allocation::Kind::device, " for a grid", launch.device))
      launch.workspace = a->base;
  const bool good = execute(launch);
  if (launch.workspace) memory.release(launch.workspace, Allocation::Kind::device);
  ++launches;
  steps += launch.steps;
  std::fflush(stdout);
  if (!good) sticky = last_error = error_of(launch.fault);
}

cudaError_t Runtime::cluster_of(const LaunchRequest& r, const RegisteredKernel& registered,
                                const Kernel& k, Dim3& cluster) const {
  const auto& fixed = k.function->required_cluster;
  cluster = {};
  if (fixed[0]) cluster = {fixed[0], fixed[1], fixed[2]};
  if (r.cluster.x) {
    if (fixed[0] && (r.cluster.x != fixed[0] || r.cluster.y != fixed[1] || r.cluster.z != fixed[2]))
      return cudaErrorInvalidClusterSize;
    cluster = {r.cluster.x, r.cluster.y, r.cluster.z};
  }
  const uint64_t size = cluster.count();
  if (size <= 1) return cudaSuccess;
  const uint64_t allowed = device->max_cluster == 1                                 ? 1
                           : registered.here().large_clusters && device->sm() < 120 ? 16
                                                                                    : 8;
  if (size > allowed) return cudaErrorInvalidClusterSize;
  if (r.grid.x % cluster.x || r.grid.y % cluster.y || r.grid.z % cluster.z)
    return cudaErrorInvalidClusterSize;
  return cudaSuccess;
}

cudaError_t Runtime::launch(const LaunchRequest& r, void** args) {
  RegisteredKernel* registered;
  Kernel* k;
  if (cudaError_t e = kernel(r.function, registered, k); e != cudaSuccess) return e;
  if (!streams.exists(stream_of(r.stream))) return fail(cudaErrorInvalidResourceHandle);
  // A stream takes launches of its own device alone.
  if (device_of(stream_of(r.stream)) != current_device())
    return fail(cudaErrorInvalidResourceHandle);
  if (!stream_of(r.stream) && streams.captures_here()) return fail(cudaErrorStreamCaptureImplicit);
  const uint64_t threads = uint64_t(r.block.x) * r.block.y * r.block.z;
  if (threads == 0 || threads > kMaxThreads || r.block.z > 64)
    return fail(cudaErrorInvalidConfiguration);
  if (r.grid.x == 0 || r.grid.y == 0 || r.grid.z == 0 || r.grid.x > 0x7fffffffu ||
      r.grid.y > 65535 || r.grid.z > 65535)
    return fail(cudaErrorInvalidConfiguration);
  Dim3 cluster;
  if (cudaError_t e = cluster_of(r, *registered, *k, cluster); e != cudaSuccess) return fail(e);
  const auto& limit = k->function->max_threads;
  if (limit[0] && threads > uint64_t(limit[0]) * limit[1] * limit[2])
    return fail(cudaErrorInvalidValue);
  const auto& required = k->function->required_threads;
  if (required[0] &&
      (r.block.x != required[0] || r.block.y != required[1] || r.block.z != required[2]))
    return fail(cudaErrorInvalidValue);
  if (threads > kRegistersPerSm / 256 && !fits_registers(*k, threads))
    return fail(cudaErrorLaunchOutOfResources);
  const uint32_t allowed = registered->here().asked_more
                               ? registered->here().dynamic_limit
                               : kSharedDefault - std::min(kSharedDefault, k->static_shared);
  if (k->static_shared > kSharedDefault || r.dynamic_shared > allowed ||
      k->static_shared + r.dynamic_shared > device->shared_per_block)
    return fail(cudaErrorInvalidValue);
  if (r.cooperative &&
      r.grid.x * uint64_t(r.grid.y) * r.grid.z >
          uint64_t(occupancy(*k, int(threads), r.dynamic_shared)) * uint64_t(device->sms))
    return fail(cudaErrorCooperativeLaunchTooLarge);

  auto l = std::make_shared<Launch>();
  l->kernel = k;
  l->grid = {r.grid.x, r.grid.y, r.grid.z}, l->block = {r.block.x, r.block.y, r.block.z};
  l->cluster = cluster;
  l->explicit_cluster = r.cluster.x || k->function->required_cluster[0];
  l->dynamic_shared = uint32_t(r.dynamic_shared), l->cooperative = r.cooperative;
  l->memory = &memory, l->report = &report, l->sms = device->sms;
  l->device = current_device();
  l->params.resize(k->param_bytes);
  for (size_t i = 0; i < k->params.size(); ++i)
    std::memcpy(l->params.data() + k->params[i].at, args[i], k->params[i].bytes);
  streams.push(stream_of(r.stream), [this, l] { run(*l); });
  return sticky;
}

}  // namespace ptxrun
